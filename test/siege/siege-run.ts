/**
 * The siege: the program in five processes on real Kafka, Redis and ClickHouse takes events in without a
 * pause while its processes and the servers are killed at seeded moments; afterwards one oracle compares
 * the senders' ledger, the log, the state, the warehouse and what is served.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { PARTITIONS, Site } from '../distributed/site.ts';
import { compareCounters } from '../faults/counter-oracle.ts';
import { driveIntoLedger } from '../faults/driver.ts';
import { createEventGate, type EventGate } from '../faults/event-gate.ts';
import { readLedger, type SettledLedger } from '../faults/ledger.ts';
import { compareLedgerWithLog } from '../faults/oracle.ts';
import { tryPost } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { systemOf } from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { startStopwatch } from '../faults/stopwatch.ts';
import { compareTablesWithLog } from '../faults/warehouse-oracle.ts';
import { startKafka } from '../services/kafka-server.ts';
import { RedisCluster } from '../services/redis-cluster.ts';
import { type Besieged, deal } from './blows.ts';
import { compareServed } from './list-oracle.ts';
import { type OwnEnding, ProgramSeat } from './program-seat.ts';
import { type Blow, planSiege } from './siege-plan.ts';

export interface SiegeOptions {
  readonly seed: number;
  readonly events: number;
  readonly kills: number;
  readonly serverKills: number;
  readonly stops: number;
  readonly points: boolean;
  readonly sleepers: number;
  readonly emptied: number;
  /** Three keep each record, two must have it. */
  readonly brokers: 1 | 3;
  /** How often a slot moves on a cluster of three masters; undefined for one Redis. */
  readonly clusterMoves: number | undefined;
  readonly onProgress?: (said: string) => void;
}

export interface SiegeReport {
  readonly seed: number;
  /** By whom or what was hit. */
  readonly blows: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly logged: number;
  readonly problems: readonly string[];
  readonly endedByThemselves: readonly OwnEnding[];
  readonly seconds: Readonly<Record<string, number>>;
}

const ROLES = [
  ['front-1', 'ingest,serving'],
  ['front-2', 'ingest,serving'],
  ['stream-1', 'stream'],
  ['stream-2', 'stream'],
  ['training', 'training'],
] as const;
const FRONT_SEATS = [0, 1];
const STREAM_SEATS = [2, 3];
/** The oracle's twin knows nothing of pruned lists. No training: what it makes differs with every run. */
const SETTINGS = [
  ['historyEvents', '1000'],
  ['neighboursPerItem', '10000'],
  ['trainingAt', ''],
  ['trainingEventsMin', '1000000000'],
] as const;
const COHORT = { eventsPerCohort: 6_000, usersPerCohort: 150 } as const;
const ITEMS = 250;
const ITEMS_AT_ONCE = 50;
const BATCH_EVENTS_MAX = 100;
const KNOWING_MS_MAX = 300_000;
const AWAY_MS_MAX = 15_000;
const BEFORE_BLOW_MS_MAX = 150;
const FEEDS_A_BLOW = 100;
const PEOPLE_ASKED = 25;
const QUIESCENCE_MS_MAX = 180_000;
const POLL_MS = 200;
const PROBLEMS_MAX = 20;

export const runSiege = async (options: SiegeOptions): Promise<SiegeReport> => {
  const kafka = await startKafka({ brokers: options.brokers });
  const cluster = options.clusterMoves === undefined ? undefined : await RedisCluster.start();
  const site = await Site.start(kafka.addresses('plain'), PARTITIONS, {
    replication: options.brokers,
    settings: SETTINGS,
    ...(cluster ? { cluster } : {}),
  });
  const seats = await Promise.all(
    ROLES.map(([name, roles]) => ProgramSeat.at(site, name, ['--roles', roles])),
  );
  try {
    return await besiege({ seats, kafka, site, cluster }, options);
  } finally {
    await Promise.all(seats.map((seat) => seat.kill()));
    await site.remove();
    await cluster?.remove();
    await kafka.stop();
  }
};

const besiege = async (besieged: Besieged, options: SiegeOptions): Promise<SiegeReport> => {
  const { seats, site } = besieged;
  const phases = startStopwatch();
  const random = seededRandom(options.seed);
  const plan = planSiege(random, {
    ...options,
    slots: options.clusterMoves ?? 0,
    seats: seats.length,
    frontSeats: FRONT_SEATS,
    streamSeats: STREAM_SEATS,
    partitions: site.partitions.userPartitions,
  });
  await Promise.all(seats.map((seat) => seat.start()));
  await bringItems(seats[0]!);
  phases.end('starting');
  const gate = createEventGate();
  const ledgerPath = site.directory('ledger.ndjson');
  const driving = driveInto(ledgerPath, { seats, gate, options });
  const problems = [...(await dealAll(plan, { besieged, gate, driving, options }))];
  gate.openForAll();
  await driving;
  phases.end('siege');
  const system = await quiescence(seats[0]!, QUIESCENCE_MS_MAX + options.events);
  phases.end('catching up');
  const ledger = readLedger(ledgerPath);
  const newcomer = await ProgramSeat.at(site, 'newcomer', ['--roles', 'serving']);
  try {
    await newcomer.start();
    const served = [...seats.slice(0, FRONT_SEATS.length), newcomer];
    const people = peopleOf(ledger, options.seed);
    const urls = served.map(({ url }) => url);
    problems.push(...(await untilKnowingAlike(served)));
    const items = Array.from({ length: ITEMS }, (_, at) => `item-${at}`);
    problems.push(...(await compareServed({ urls, ledger, people, items })));
    for (const seat of [...seats, newcomer]) problems.push(...(await tidyEnd(seat)));
  } finally {
    await newcomer.kill();
  }
  const { logged, ...compared } = await compareStores(site, ledger, system);
  problems.push(...compared.problems);
  phases.end('comparing');
  const endings = [...seats, newcomer].flatMap(({ endings }) => endings);
  return {
    seed: options.seed,
    blows: countsOf(plan),
    acknowledged: ledger.acknowledged.size,
    logged,
    problems: [...problems, ...endings.filter(({ wasUp }) => wasUp).map(ended)].slice(
      0,
      PROBLEMS_MAX,
    ),
    endedByThemselves: endings,
    seconds: phases.seconds,
  };
};

const ended = ({ seat, how, said }: OwnEnding): string =>
  `${seat} ended by itself with ${how}: ${said}`;

const dealAll = async (
  plan: readonly Blow[],
  given: {
    readonly besieged: Besieged;
    readonly gate: EventGate;
    readonly driving: Promise<void>;
    readonly options: SiegeOptions;
  },
): Promise<readonly string[]> => {
  const { besieged, gate, driving, options } = given;
  const problems: string[] = [];
  const random = seededRandom(options.seed + 2);
  const until = async (events: number, msMax?: number): Promise<void> => {
    gate.openTo(events);
    const reached = Promise.race([gate.exhausted(), driving]);
    await (msMax === undefined ? reached : Promise.race([reached, sleep(msMax)]));
  };
  for (const [at, blow] of plan.entries()) {
    await until(blow.afterEvents);
    // Meanwhile the senders go on, so that the blow hits busy processes.
    const back = blow.afterEvents + blow.awayEvents;
    const next = plan[at + 1]?.afterEvents ?? options.events;
    const isFed = blow.what === 'point';
    gate.openTo(isFed ? back : Math.max(back, blow.afterEvents + (next - blow.afterEvents) / 2));
    await sleep(integerBelow(random, BEFORE_BLOW_MS_MAX));
    options.onProgress?.(`${at + 1} of ${plan.length}: ${JSON.stringify(blow)}`);
    let fed = back;
    const problem = await deal(blow, besieged, {
      whileAway: () => (blow.awayEvents === 0 ? Promise.resolve() : until(back, AWAY_MS_MAX)),
      more() {
        fed = Math.min(next, fed + Math.ceil((next - back) / FEEDS_A_BLOW));
        gate.openTo(fed);
      },
    });
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
};

/** No two have a word in common: how alike texts are is found when there is time, so not at once everywhere. */
const bringItems = async (seat: ProgramSeat): Promise<void> => {
  for (let from = 0; from < ITEMS; from += ITEMS_AT_ONCE) {
    const items = Array.from({ length: ITEMS_AT_ONCE }, (_, at) => ({
      itemId: `item-${from + at}`,
      title: `title${from + at}`,
      categories: [`category${from + at}`],
    }));
    const answer = await tryPost(seat, '/v1/items', { items });
    if (!answer.ok) throw new Error(`Expected the items to be taken, got ${await answer.text()}`);
  }
};

const driveInto = async (
  ledgerPath: string,
  given: {
    readonly seats: readonly ProgramSeat[];
    readonly gate: EventGate;
    readonly options: SiegeOptions;
  },
): Promise<void> => {
  const { seats, gate, options } = given;
  let turn = 0;
  await driveIntoLedger(ledgerPath, {
    random: seededRandom(options.seed + 1),
    runName: `siege${options.seed}`,
    events: options.events,
    ...COHORT,
    items: ITEMS,
    concurrency: 8,
    batchEventsMax: BATCH_EVENTS_MAX,
    url: () => {
      turn += 1;
      return seats[turn % FRONT_SEATS.length]!.url;
    },
    nowMs: Date.now,
    admit: gate.admit,
  });
};

/** Until everything is in state and warehouse; twice, since one look takes its time. */
const quiescence = async (seat: ProgramSeat, msMax: number): Promise<SystemAnswer> => {
  const deadline = performance.now() + msMax;
  for (let still = 0; performance.now() < deadline; ) {
    const system = await systemOf(seat).catch(() => undefined);
    const lags = [...(system?.partitions ?? []), ...(system?.sinks ?? [])];
    still = lags.length > 0 && lags.every(({ lag }) => lag === 0) ? still + 1 : 0;
    if (still === 2) return system!;
    await sleep(POLL_MS);
  }
  const system = await systemOf(seat).catch((error: unknown) => String(error));
  throw new Error(`Expected all to be taken in, got ${JSON.stringify(system)}\n${seat.output()}`);
};

/** Lists look for people alike among those whom a process has in memory: a new one first reads them all. */
const untilKnowingAlike = async (seats: readonly ProgramSeat[]): Promise<readonly string[]> => {
  const deadline = performance.now() + KNOWING_MS_MAX;
  for (;;) {
    const systems = await Promise.all(seats.map(systemOf));
    const held = systems.map(({ counters }) => counters.peopleHeld);
    if (new Set(held).size === 1) return [];
    if (performance.now() > deadline) return [`processes know ${held.join(', ')} people`];
    await sleep(POLL_MS);
  }
};

const peopleOf = ({ acknowledged, events }: SettledLedger, seed: number): readonly string[] => {
  const random = seededRandom(seed + 3);
  const known = [...new Set([...acknowledged].map((id) => events.get(id)!.userId))];
  return Array.from({ length: PEOPLE_ASKED }, () => pick(random, known));
};

const tidyEnd = async (seat: ProgramSeat): Promise<readonly string[]> => {
  const output = seat.output();
  const how = await seat.kill('SIGTERM');
  return how === 0 ? [] : [`${seat.name} stopped with ${how}: ${output}`];
};

const compareStores = async (
  site: Site,
  ledger: SettledLedger,
  system: SystemAnswer,
): Promise<{ readonly logged: number; readonly problems: readonly string[] }> => {
  const remains = await site.openRemains();
  try {
    const { interactions } = remains;
    const { connection, database } = site.clickhouse;
    return {
      logged: interactions.length,
      problems: [
        ...compareLedgerWithLog(ledger, interactions),
        ...compareCounters(system, {
          accepted: ledger.acknowledged.size,
          received: interactions.length,
        }),
        ...(await compareStateWithLog(remains, site.settings)),
        ...(await compareTablesWithLog({ connection, database }, interactions)),
      ],
    };
  } finally {
    await remains.close();
  }
};

const countsOf = (plan: readonly Blow[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const blow of plan) {
    const name = blow.what === 'server' ? blow.server : blow.what;
    counts[name] = (counts[name] ?? 0) + (blow.what === 'program' ? blow.seats.length : 1);
  }
  return counts;
};
