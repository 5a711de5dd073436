/** One simulation: a seed in, what went wrong out. */

import { TOPICS } from '../../schemas/topics.ts';
import type { StreamStatus } from '../../stream/stream-status.ts';
import { seededRandom } from '../faults/seeded-random.ts';
import { Book } from './book.ts';
import { type ClientSurroundings, produce, runImport } from './clients.ts';
import { importOf, Load } from './load.ts';
import { GIVE_UP_MS, LATE_MS, Network } from './network.ts';
import { judge } from './oracle.ts';
import { type Profile, profileOf } from './profile.ts';
import { Scheduler } from './scheduler.ts';
import { BEGIN, SimProcess } from './sim-process.ts';
import { type SimulationSeams, World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly seams?: SimulationSeams;
  readonly trace?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly ms: number;
  /** Of all that happened, in order. */
  readonly fingerprint: number;
  readonly profile: Profile;
}

const STEPS_MAX = 60_000;
const WORK_MS_MAX = 240_000;
const REST_MS_MAX = 60_000;
/**
 * Followers are right two seconds after the last change, hints or not; what was under way when the
 * faults ended may first have to be given up.
 */
const FOLLOW_MS = 2_000 + GIVE_UP_MS;

export const simulate = async (options: SimulationOptions): Promise<SimulationReport> => {
  const { seed, seams = {}, trace } = options;
  const profile = profileOf(seededRandom(seed), BEGIN);
  const scheduler = new Scheduler({
    random: seededRandom(seed + 1_000_003),
    ...(trace && { trace }),
  });
  const world = new World({ profile, scheduler, random: seededRandom(seed + 2_000_003), seams });
  const problems = await live(seed, world, scheduler);
  const { steps, nowMs, fingerprint } = scheduler;
  return { seed, problems: [...problems], steps, ms: Math.round(nowMs), fingerprint, profile };
};

const live = async (
  seed: number,
  world: World,
  scheduler: Scheduler,
): Promise<readonly string[]> => {
  const { watch, profile } = world;
  const random = seededRandom(seed + 3_000_003);
  const book = new Book();
  const imported = importOf(random, profile.importEvents);
  const isBroken = (): boolean => watch.problems.length > 0;
  const until = async (
    work: Promise<unknown>,
    msMax: number,
  ): Promise<'done' | 'broken' | 'stuck'> => {
    let isDone = false;
    void work.then(() => {
      isDone = true;
    });
    const limits = { steps: STEPS_MAX, ms: msMax };
    const ended = await scheduler.runUntil(() => isDone || isBroken(), limits);
    return isBroken() ? 'broken' : ended ? 'done' : 'stuck';
  };
  const work = world.start().then(() => letClientsWork({ seed, world, scheduler, book, imported }));
  const worked = await until(work, WORK_MS_MAX);
  if (worked === 'stuck') watch.report('the clients’ events are not all acknowledged');
  if (worked !== 'done') return watch.problems;
  scheduler.note('no more faults');
  world.heal();
  const rested = await until(comeToRest(world, scheduler), REST_MS_MAX);
  if (rested === 'stuck') watch.report('stream and warehouse do not catch up');
  if (rested !== 'done') return watch.problems;
  await scheduler.runUntil(isBroken, { steps: STEPS_MAX, ms: FOLLOW_MS });
  if (isBroken()) return watch.problems;
  return judge({ world, book, imported });
};

const letClientsWork = async (given: {
  readonly seed: number;
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly book: Book;
  readonly imported: ReturnType<typeof importOf>;
}): Promise<void> => {
  const { seed, world, scheduler, book, imported } = given;
  const { clients, events, pauseMs, clientNetwork, incidents } = world.profile;
  const process = new SimProcess('client', scheduler);
  const network = new Network(scheduler, { isOneMachine: false, faults: clientNetwork });
  const load = new Load(seededRandom(seed + 4_000_003));
  const surroundings = (name: number): ClientSurroundings => ({
    process,
    network,
    random: seededRandom(seed + 5_000_003 + name),
    book,
    watch: world.watch,
    take: (batch) => world.take(batch),
    topic: TOPICS.interactions.name,
  });
  const sink = () => {
    const edge = world.someEdge();
    return edge?.ingest && { sink: edge.ingest.imports, process: edge.process };
  };
  const producing = Array.from({ length: clients }, (_, index) =>
    produce(surroundings(index), load, { events, pauseMs }),
  );
  const importing =
    imported.length === 0
      ? []
      : [runImport(surroundings(clients), { importId: `import-${seed}`, events: imported, sink })];
  await Promise.all([...producing, ...importing]);
  const lastMs = Math.max(0, ...incidents.map(({ ms }) => ms));
  await process.clock.sleep(Math.max(0, lastMs + 1 - scheduler.nowMs) as never);
};

/** Everything logged is in the state, and everything in the state in the warehouse. */
const comeToRest = async (world: World, scheduler: Scheduler): Promise<void> => {
  const { clock } = new SimProcess('observer', scheduler);
  // What is late arrives, and a sink looks whether its warehouse is still the same.
  await clock.sleep(LATE_MS as never);
  for (;;) {
    await clock.sleep(100 as never);
    const stream = world.stream;
    if (stream === undefined || !stream.process.isRunning) continue;
    const status = await Promise.race([
      stream.status().catch(() => undefined),
      clock.sleep(5_000 as never).then(() => undefined),
    ]);
    if (status !== undefined && isAtRest(status, world)) return;
  }
};

const isAtRest = ({ isCaughtUp, sinks }: StreamStatus, { watch }: World): boolean =>
  isCaughtUp &&
  sinks.every(({ topic, partition, coveredOffset, problem }) => {
    return problem === null && coveredOffset === watch.endOf(topic, partition) - 1;
  });
