/**
 * The crash run: events are sent without a pause while the real program is killed and started again
 * and again; afterwards the oracle compares ledger, log, state and warehouse. A run is repeated from
 * its seed; the moments of the kills are as random as the machine is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfiguration } from '../../runtime/configuration.ts';
import type { SettingName } from '../../runtime/settings.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { freePort } from '../services/free-port.ts';
import { drive } from './driver.ts';
import { openLedger, readLedger } from './ledger.ts';
import { compareLedgerWithLog, openRemains } from './oracle.ts';
import { integerBelow, type Random, seededRandom } from './seeded-random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { compareStateWithLog } from './state-oracle.ts';
import { compareWarehouseWithLog } from './warehouse-oracle.ts';

export interface CrashRunOptions {
  readonly seed: number;
  readonly events: number;
  readonly kills: number;
  /** Crash points to die at, one a life, before dying at random moments. */
  readonly crashPoints: readonly string[];
  readonly onProgress?: (state: { readonly kills: number }) => void;
}

export interface CrashReport {
  readonly seed: number;
  readonly kills: number;
  readonly crashPointsHit: readonly string[];
  readonly acknowledged: number;
  readonly logged: number;
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** Wide caps: the oracle's twin knows nothing of pruned lists. */
const WIDE_CAPS = { historyEvents: 1_000, neighboursPerItem: 10_000 } as const;
const FLAGS = [
  '--empty',
  ...['--log-level', 'error'],
  ...['--history-events', String(WIDE_CAPS.historyEvents)],
  ...['--neighbours-per-item', String(WIDE_CAPS.neighboursPerItem)],
];
const CAP_FLAGS: readonly (readonly [SettingName, string])[] = [
  ['historyEvents', String(WIDE_CAPS.historyEvents)],
  ['neighboursPerItem', String(WIDE_CAPS.neighboursPerItem)],
];
const EVENTS_PER_USER = 40;
const ITEMS = 250;
const LIFE_MS_MIN = 10;
const LIFE_MS_SPREAD = 500;
const QUIESCENCE_MS_MAX = 120_000;

export const runCrashes = async (options: CrashRunOptions): Promise<CrashReport> => {
  const beganMs = performance.now();
  const random = seededRandom(options.seed);
  const root = mkdtempSync(join(tmpdir(), 'freshet-crash-'));
  const ledgerPath = join(root, 'ledger.ndjson');
  const dataDirectory = join(root, 'data');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const gate = createGate(options);
  const ledger = openLedger(ledgerPath);
  const driving = drive({
    random: seededRandom(options.seed + 1),
    runName: `run${options.seed}`,
    events: options.events,
    users: Math.ceil(options.events / EVENTS_PER_USER),
    items: ITEMS,
    concurrency: 8,
    batchEventsMax: 100,
    ledger,
    url: () => url,
    nowMs: Date.now,
    admit: gate.admit,
  });
  try {
    const { kills, hit } = await killAgainAndAgain(options, {
      random,
      dataDirectory,
      port,
      openGate: gate.open,
    });
    gate.openForAll();
    const last = await startServer({ dataDirectory, port, flags: FLAGS });
    await driving;
    ledger.close();
    await waitForQuiescence(last);
    const exit = await last.kill('SIGTERM');
    const { settings } = loadConfiguration({ environment: {}, flags: new Map(CAP_FLAGS) });
    const settled = readLedger(ledgerPath);
    const remains = await openRemains(dataDirectory);
    const problems = [
      ...(exit === 0 ? [] : [`the last stop ended with ${exit}: ${last.output()}`]),
      ...compareLedgerWithLog(settled, remains.interactions),
      ...(await compareStateWithLog(remains, settings)),
      ...(await compareWarehouseWithLog(dataDirectory, settings, remains.interactions)),
    ];
    await remains.close();
    return {
      seed: options.seed,
      kills,
      crashPointsHit: hit,
      acknowledged: settled.acknowledged.size,
      logged: remains.interactions.length,
      problems,
      seconds: Math.round((performance.now() - beganMs) / 1000),
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

interface Killing {
  readonly random: Random;
  readonly dataDirectory: string;
  readonly port: number;
  openGate(): void;
}

const killAgainAndAgain = async (
  options: CrashRunOptions,
  { random, dataDirectory, port, openGate }: Killing,
): Promise<{ kills: number; hit: readonly string[] }> => {
  const hit: string[] = [];
  for (let kills = 0; kills < options.kills; kills += 1) {
    const crashPoint = options.crashPoints[kills];
    const server = await startServer({
      dataDirectory,
      port,
      flags: FLAGS,
      ...(crashPoint ? { environment: { FRESHET_CRASH_POINT: crashPoint } } : {}),
    });
    openGate();
    const end = await endOfLife(server, { random, waitsForCrashPoint: crashPoint !== undefined });
    if (crashPoint && end === 'by itself') hit.push(crashPoint);
    options.onProgress?.({ kills: kills + 1 });
  }
  return { kills: options.kills, hit };
};

/** A crash point kills the process from inside; where it is never passed, the runner does. */
const endOfLife = async (
  server: ServerProcess,
  how: { readonly random: Random; readonly waitsForCrashPoint: boolean },
): Promise<'by itself' | 'killed'> => {
  const lifeMs = how.waitsForCrashPoint
    ? 10_000
    : LIFE_MS_MIN + integerBelow(how.random, LIFE_MS_SPREAD);
  const ended = await Promise.race([server.ended, sleep(lifeMs).then(() => undefined)]);
  if (ended === 'SIGKILL') return 'by itself';
  if (ended !== undefined) {
    throw new Error(`Expected the server to run, it ended with ${ended}:\n${server.output()}`);
  }
  await server.kill('SIGKILL');
  return 'killed';
};

/** Lets a share of the events through with each life, so that every kill hits a busy program. */
const createGate = (options: CrashRunOptions) => {
  const perLife = Math.ceil(options.events / (options.kills + 1));
  let admitted = 0;
  let waiting: (() => void)[] = [];
  const wakeAll = (): void => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  return {
    async admit(eventNumber: number): Promise<void> {
      while (eventNumber > admitted) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
    },
    open(): void {
      admitted += perLife;
      wakeAll();
    },
    openForAll(): void {
      admitted = options.events;
      wakeAll();
    },
  };
};

const waitForQuiescence = async (server: ServerProcess): Promise<void> => {
  for (let waitedMs = 0; waitedMs < QUIESCENCE_MS_MAX; waitedMs += 100) {
    const response = await fetch(`${server.url}/v1/system`);
    const { partitions, sinks } = (await response.json()) as SystemAnswer;
    if ([...partitions, ...sinks].every(({ lag }) => lag === 0)) return;
    await sleep(100);
  }
  throw new Error(`Expected the stream to catch up, it did not:\n${server.output()}`);
};
