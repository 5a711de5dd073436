/**
 * The crash run: events are sent without a pause while the real program is killed and started again
 * and again; afterwards the oracle compares ledger, log, state and warehouse. A run is repeated from
 * its seed; the moments of the kills are as random as the machine is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../runtime/configuration.ts';
import type { SettingName } from '../../runtime/settings.ts';
import { freePort } from '../services/free-port.ts';
import { compareCounters } from './counter-oracle.ts';
import { driveIntoLedger } from './driver.ts';
import { createEventGate, type EventGate } from './event-gate.ts';
import { compareImportsWithLog, finishImports } from './imports.ts';
import { readLedger } from './ledger.ts';
import { type Life, live, type Surroundings } from './life.ts';
import { compareLedgerWithLog, type LoggedInteraction, openRemains } from './oracle.ts';
import { buildPowerLossShim, cutPower, type PowerLossShim } from './power-loss-shim.ts';
import { untilCopied } from './program-calls.ts';
import { type Random, seededRandom } from './seeded-random.ts';
import { startServer } from './server-process.ts';
import { compareStateWithLog } from './state-oracle.ts';
import { startStopwatch } from './stopwatch.ts';
import { compareWarehouseWithLog } from './warehouse-oracle.ts';

export interface CrashRunOptions {
  readonly seed: number;
  readonly events: number;
  /** One life each; in the life after the last, what is left is sent. */
  readonly lives: (random: Random) => readonly Life[];
  /** With every kill, what was not flushed is lost. Needs Linux and a C compiler. */
  readonly losesPower?: boolean;
  /** Threads that share the stream's partitions. */
  readonly streamWorkers?: number;
  readonly onProgress?: (state: { readonly kills: number }) => void;
}

export interface CrashReport {
  readonly seed: number;
  readonly kills: number;
  readonly acknowledged: number;
  readonly logged: number;
  readonly problems: readonly string[];
  /** By phase. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** Wide caps: the oracle's twin knows nothing of pruned lists. */
const CAPS: readonly (readonly [SettingName, string])[] = [
  ['historyEvents', '1000'],
  ['neighboursPerItem', '10000'],
];
const CAP_FLAGS = ['--history-events', '1000', '--neighbours-per-item', '10000'];
/** Several, so that there is something between one partition and the next to die in. */
const PARTITION_FLAGS = ['--user-partitions', '4', '--item-partitions', '4'];
const FLAGS = ['--empty', '--log-level', 'error', ...CAP_FLAGS, ...PARTITION_FLAGS];
/** The busiest of a cohort comes to some 500 events, half of the cap. */
const COHORT = { eventsPerCohort: 6_000, usersPerCohort: 150 } as const;
const ITEMS = 250;
/** Or less, so that batches under way never use up the share of the next life. */
const BATCH_EVENTS_MAX = 100;
const LIFE_MS_SPREAD = 500;
/** What a life needs to take its share of the events in, about. */
const EVENTS_PER_LIFE_MS = 8;
/** Characters of what the program printed last: more than that hides the problem. */
const OUTPUT_SHOWN = 2_000;
/** And a millisecond more for each event: the stream has hardly run while it was killed. */
const QUIESCENCE_MS_MAX = 120_000;
const PROBLEMS_MAX = 20;

export const runCrashes = async (options: CrashRunOptions): Promise<CrashReport> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-crash-'));
  try {
    return await runIn(root, options);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

const runIn = async (root: string, options: CrashRunOptions): Promise<CrashReport> => {
  const phases = startStopwatch();
  const random = seededRandom(options.seed);
  const lives = options.lives(random);
  const perLife = Math.ceil(options.events / (lives.length + 1));
  const gate = createEventGate();
  const around: Surroundings = {
    root,
    dataDirectory: join(root, 'data'),
    port: await freePort(),
    flags: [...FLAGS, '--stream-workers', String(options.streamWorkers ?? 1)],
    environment: options.losesPower ? shimIn(root).environment : {},
    random,
    lifeMsMax: LIFE_MS_SPREAD + perLife / EVENTS_PER_LIFE_MS,
  };
  const ledgerPath = join(root, 'ledger.ndjson');
  const batchEventsMax = Math.max(1, Math.min(BATCH_EVENTS_MAX, Math.floor(perLife / 20)));
  const driving = driveInto(ledgerPath, options, { around, gate, batchEventsMax });
  const problems: string[] = [];
  for (const [index, life] of lives.entries()) {
    gate.openTo((index + 1) * perLife);
    const problem = await live(life, around);
    if (problem !== undefined) problems.push(problem);
    if (options.losesPower) cutPower(around.dataDirectory, random);
    options.onProgress?.({ kills: index + 1 });
  }
  phases.end('lives');
  gate.openForAll();
  const last = await startServer(around);
  await driving;
  await finishImports(root, around.dataDirectory);
  phases.end('the rest of the events');
  const system = await untilCopied(last, QUIESCENCE_MS_MAX + options.events);
  const exit = await last.kill('SIGTERM');
  phases.end('catching up');
  if (exit !== 0) {
    problems.push(`the last stop ended with ${exit}: ${last.output().slice(-OUTPUT_SHOWN)}`);
  }
  const settled = readLedger(ledgerPath);
  const remains = await openRemains(around.dataDirectory);
  const { settings } = loadConfiguration({ environment: {}, flags: new Map(CAPS) });
  const isImported = ({ record }: LoggedInteraction): boolean => record.backfill !== null;
  const sent = remains.interactions.filter((logged) => !isImported(logged));
  const imported = remains.interactions.filter(isImported);
  problems.push(
    ...compareLedgerWithLog(settled, sent),
    ...compareImportsWithLog(root, imported),
    ...compareCounters(system, {
      accepted: settled.acknowledged.size + imported.length,
      received: remains.interactions.length,
    }),
    ...(await compareStateWithLog(remains, settings)),
    ...(await compareWarehouseWithLog(around.dataDirectory, settings, remains.interactions)),
  );
  await remains.close();
  phases.end('comparing');
  return {
    seed: options.seed,
    kills: lives.length,
    acknowledged: settled.acknowledged.size,
    logged: sent.length,
    problems: problems.slice(0, PROBLEMS_MAX),
    seconds: phases.seconds,
  };
};

const shimIn = (root: string): PowerLossShim => {
  const shim = buildPowerLossShim(root);
  if ('missing' in shim) throw new Error(`Expected the power-loss shim, ${shim.missing}`);
  return shim;
};

const driveInto = async (
  ledgerPath: string,
  options: CrashRunOptions,
  {
    around,
    gate,
    batchEventsMax,
  }: { readonly around: Surroundings; readonly gate: EventGate; readonly batchEventsMax: number },
): Promise<void> => {
  await driveIntoLedger(ledgerPath, {
    random: seededRandom(options.seed + 1),
    runName: `run${options.seed}`,
    events: options.events,
    ...COHORT,
    items: ITEMS,
    concurrency: 8,
    batchEventsMax,
    url: () => `http://127.0.0.1:${around.port}`,
    nowMs: Date.now,
    admit: gate.admit,
  });
};
