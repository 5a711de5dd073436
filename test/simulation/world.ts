/**
 * An installation under simulation: disks, services, edges and a stream, and all that can happen to
 * them. On one machine everything dies together and opens again on the same disks; between machines
 * each part dies by itself, and a stream that was thought dead may go on beside its successor.
 */

import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import type { Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type DurationMs,
  type EpochMs,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MemoryEventLogSeams } from '../../storage/event-log/memory-event-log.ts';
import {
  DEFAULT_STATE_STORE_LIMITS,
  type StateStoreSeams,
} from '../../storage/state-store/state-changes.ts';
import { MemoryWarehouse } from '../../storage/warehouse/memory-warehouse.ts';
import { DEFAULT_STREAM_OPTIONS, type StreamOptions } from '../../stream/options.ts';
import type { StreamSeams } from '../../stream/seams.ts';
import { integerBelow, pick, type Random } from '../faults/seeded-random.ts';
import { partitionsOf, topicsOf } from '../stream/stream-fixture.ts';
import { Edge } from './edge.ts';
import { poisonBytes } from './load.ts';
import { Network, PERFECT } from './network.ts';
import { type Between, eventLogOf, HintBus, stateStoreOf, warehouseOf } from './process-ports.ts';
import type { Incident, Profile } from './profile.ts';
import type { Scheduler } from './scheduler.ts';
import { LogService, StateService } from './services.ts';
import { BEGIN, SimProcess } from './sim-process.ts';
import { StreamProcess } from './stream-process.ts';
import { Watch } from './watch.ts';

/** Protections switched off, to see that a run notices. */
export interface SimulationSeams {
  readonly log?: MemoryEventLogSeams;
  readonly state?: StateStoreSeams;
  readonly stream?: StreamSeams;
}

export interface WorldOptions {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly seams: SimulationSeams;
}

const RESTART_MS = 600;
export const LANDMARK = (Math.floor(BEGIN / 86_400_000) * 86_400_000) as EpochMs;
const ITEMS_WITH_CATEGORIES = ['heat-1995', '__proto__', '🎬'];

export class World {
  readonly profile: Profile;
  readonly watch: Watch;
  readonly log: LogService;
  readonly state: StateService;
  readonly warehouse = new MemoryWarehouse();
  readonly streamOptions: StreamOptions;
  readonly statePartitions: readonly StatePartition[];
  /** Whether a clock was ever so far ahead that ids fell out of the window. */
  wasFarAhead = false;
  readonly #given: WorldOptions;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #bus: HintBus;
  readonly #edges: (Edge | undefined)[] = [];
  #stream: StreamProcess | undefined;
  readonly #zombies = new Set<StreamProcess>();
  #lives = 0;
  #crashes = 0;
  #armed: { readonly point: string; passesLeft: number } | undefined;

  constructor(given: WorldOptions) {
    const { profile, scheduler, random, seams } = given;
    this.#given = given;
    this.profile = profile;
    this.#scheduler = scheduler;
    this.log = new LogService(scheduler, {
      topics: topicsOf(profile.userPartitions, profile.itemPartitions),
      random,
      seams: seams.log ?? {},
    });
    const limits = { ...DEFAULT_STATE_STORE_LIMITS, keysPerApply: profile.keysPerApply };
    this.state = new StateService(scheduler, { limits, seams: seams.state ?? {} });
    this.watch = new Watch(this.log.disk, this.state.disk);
    this.state.watchedBy(this.watch);
    this.#network = new Network(scheduler, {
      isOneMachine: profile.isOneMachine,
      faults: profile.serviceNetwork,
    });
    this.#bus = new HintBus(scheduler, profile.hintsDropped);
    this.streamOptions = streamOptionsOf(profile);
    this.statePartitions = [
      ...partitionNames(TOPICS.interactions.name, profile.userPartitions),
      ...partitionNames(TOPICS.itemSignals.name, profile.itemPartitions),
      ...partitionNames(TOPICS.catalogue.name, profile.itemPartitions),
      ...partitionNames(TOPICS.control.name, 1),
    ];
  }

  /** Writes the landmark and some of the catalogue, and starts everything. */
  async start(): Promise<void> {
    const landmark = {
      kind: 'rebase',
      subject: 'counters',
      at: BEGIN,
      body: JSON.stringify({ landmark: LANDMARK }),
    };
    await this.#append(TOPICS.control.name, 'rebase', encodeRecord('Control', landmark));
    for (const itemId of ITEMS_WITH_CATEGORIES) await this.#describe(itemId, ['drama']);
    for (let index = 0; index < this.profile.edges; index += 1) this.#startEdge(index);
    this.startStream();
    this.#flushNowAndThen();
    for (const incident of this.profile.incidents) {
      this.#scheduler.after(incident.ms, incident.kind, () => this.#happen(incident));
    }
  }

  /** Takes events to some edge that is up. */
  async take(events: readonly EventInput[]): Promise<EventsAnswer> {
    const edge = pick(this.#given.random, this.#edges);
    if (edge === undefined || edge.process.isDead) {
      throw new FreshetError('unavailable', { why: 'nobody listens' });
    }
    return edge.take(events);
  }

  someEdge(): Edge | undefined {
    const running = this.#edges.filter(
      (edge) => edge?.ingest !== undefined && edge.process.isRunning,
    );
    return running.length === 0 ? undefined : pick(this.#given.random, running);
  }

  edges(): readonly Edge[] {
    return this.#edges.filter((edge) => edge !== undefined);
  }

  get stream(): StreamProcess | undefined {
    return this.#stream;
  }

  /** Nothing more goes wrong: zombies end, clocks are right, every call is answered. */
  heal(): void {
    this.#network.faults = PERFECT;
    this.#armed = undefined;
    for (const zombie of this.#zombies) zombie.process.kill();
    this.log.pace.factor = 1;
    this.state.pace.factor = 1;
    for (const edge of this.edges()) edge.process.skewMs = 0;
    this.#stream?.process.resume();
  }

  startStream(): void {
    const process = this.#newProcess('stream');
    const between: Between = { process, network: this.#network, scheduler: this.#scheduler };
    this.#stream = new StreamProcess({
      process,
      watch: this.watch,
      onFenced: () => this.#replaceStream(process),
      dependencies: {
        ...this.streamSurroundings(),
        eventLog: eventLogOf(between, this.log),
        stateStore: stateStoreOf(between, this.state),
        liveBus: this.#bus.of(process),
        warehouse: warehouseOf(between, this.warehouse),
        clock: process.clock,
        logger: this.#loggerOf(process),
        crashPoint: (name) => this.#passes(process, name),
      },
    });
    this.#stream.start();
  }

  /** What every stream of this world has, whoever runs it. */
  streamSurroundings() {
    const { userPartitions, itemPartitions } = this.profile;
    return {
      options: this.streamOptions,
      kinds: kindTable(DEFAULT_KINDS),
      seams: this.#given.seams.stream ?? {},
      partitions: {
        interactions: partitionsOf(userPartitions),
        itemSignals: partitionsOf(itemPartitions),
        catalogue: partitionsOf(itemPartitions),
        control: partitionsOf(1),
      },
    };
  }

  #startEdge(index: number): void {
    const process = this.#newProcess(`edge${index}`);
    const between: Between = { process, network: this.#network, scheduler: this.#scheduler };
    const edge = new Edge({
      process,
      eventLog: eventLogOf(between, this.log),
      stateStore: stateStoreOf(between, this.state),
      liveBus: this.#bus.of(process),
      logger: this.#loggerOf(process),
      random: this.#given.random,
      watch: this.watch,
      recentEventsMax: this.profile.recentEventsMax,
      followed: this.statePartitions,
    });
    this.#edges[index] = edge;
    edge.start();
  }

  #newProcess(name: string): SimProcess {
    this.#lives += 1;
    return new SimProcess(`${name}#${this.#lives}`, this.#scheduler);
  }

  #loggerOf(process: SimProcess): Logger {
    const note = (message: string, fields: object = {}): void => {
      const error = 'error' in fields ? ` ${String(fields.error)}` : '';
      const partition = 'partition' in fields ? ` ${fields.partition}` : '';
      this.#scheduler.note(`${process.name}: ${message}${partition}${error}`);
    };
    return { debug: note, info: note, warn: note, error: note };
  }

  #happen(incident: Incident): void {
    this.#scheduler.note(JSON.stringify(incident));
    switch (incident.kind) {
      case 'crash':
        this.#crashMachine(incident.keepUnflushed);
        break;
      case 'crash point':
        this.#armed = { point: incident.point, passesLeft: incident.pass };
        break;
      case 'zombie':
        this.#makeZombie(incident.forMs);
        break;
      case 'stream paused':
        this.#pauseStream(incident.forMs);
        break;
      case 'edge killed':
        this.#killEdge(incident.edge);
        break;
      case 'log crashed':
        this.log.crash(incident);
        break;
      case 'state crashed':
        this.state.crash(incident);
        break;
      case 'slow':
        this.#slowDown(incident);
        break;
      case 'clock':
        this.#moveClock(incident);
        break;
      case 'poison':
        void this.#append(incident.topic, 'poison', poisonBytes(this.#given.random));
        break;
      case 'warehouse lost':
        this.warehouse.reset();
    }
  }

  /** The process passes a crash point: it may be its last. */
  #passes(process: SimProcess, name: string): void {
    const armed = this.#armed;
    if (armed?.point !== name || process.isDead) return;
    armed.passesLeft -= 1;
    if (armed.passesLeft > 0) return;
    this.#armed = undefined;
    this.#scheduler.note(`${process.name} dies at ${name}`);
    if (this.profile.isOneMachine) this.#crashMachine(this.#given.random() < 0.5);
    else this.#replaceStream(process);
  }

  #crashMachine(keepUnflushed: boolean): void {
    this.#stream?.process.kill();
    for (const edge of this.edges()) edge.process.kill();
    this.log.crash({ keepUnflushed });
    this.state.crash({ keepUnflushed });
    this.#crashes += 1;
    const crash = this.#crashes;
    this.#scheduler.after(RESTART_MS, 'the machine is back', () => {
      if (crash !== this.#crashes) return;
      if (this.#stream?.process.isDead) this.startStream();
      this.#edges.forEach((edge, index) => {
        if (edge?.process.isDead) this.#startEdge(index);
      });
    });
  }

  #replaceStream(process: SimProcess): void {
    process.kill();
    this.#scheduler.after(RESTART_MS, 'a stream takes over', () => {
      if (this.#stream?.process.isDead) this.startStream();
    });
  }

  /** A stream that does not stir is taken for dead and succeeded; then it goes on. */
  #makeZombie(forMs: number): void {
    const zombie = this.#stream;
    if (zombie === undefined || !zombie.process.isRunning) return;
    zombie.process.pause();
    this.#zombies.add(zombie);
    this.startStream();
    this.#scheduler.after(forMs, `${zombie.process.name} goes on`, () => zombie.process.resume());
  }

  #pauseStream(forMs: number): void {
    const paused = this.#stream?.process;
    if (paused === undefined) return;
    paused.pause();
    this.#scheduler.after(forMs, `${paused.name} goes on`, () => paused.resume());
  }

  #killEdge(index: number): void {
    const edge = this.#edges[index];
    if (edge === undefined || edge.process.isDead) return;
    edge.process.kill();
    this.#scheduler.after(RESTART_MS, 'an edge is back', () => this.#startEdge(index));
  }

  #slowDown({ factor, forMs }: Extract<Incident, { kind: 'slow' }>): void {
    const { pace } = this.#given.random() < 0.6 ? this.log : this.state;
    pace.factor = factor;
    this.#scheduler.after(forMs, 'fast again', () => {
      pace.factor = 1;
    });
  }

  #moveClock({ edge: index, skewMs, forMs }: Extract<Incident, { kind: 'clock' }>): void {
    const process = this.#edges[index]?.process;
    if (process === undefined) return;
    process.skewMs = skewMs;
    if (skewMs > this.streamOptions.dedupe.windowMs / 2) this.wasFarAhead = true;
    this.#scheduler.after(forMs, 'clock right again', () => {
      process.skewMs = 0;
    });
  }

  #flushNowAndThen(): void {
    const { flushEveryMs } = this.profile;
    const again = (): void => {
      this.state.store.flush();
      this.#scheduler.after(this.#scheduler.latency(flushEveryMs), 'state is flushed', again);
    };
    this.#scheduler.after(flushEveryMs, 'state is flushed', again);
  }

  async #describe(itemId: string, categories: readonly string[]): Promise<void> {
    const record = catalogueItem(itemId, { categories: [...categories], updatedAt: BEGIN });
    await this.#append(TOPICS.catalogue.name, itemId, encodeRecord('CatalogueItem', record));
  }

  /** Past every edge, as somebody would who has the log to himself. */
  async #append(topic: string, key: string, value: Uint8Array): Promise<void> {
    const { partitions, info } = this.log.disk.topics.get(topic)!;
    const index = partitionIndex(integerBelow(this.#given.random, partitions.length));
    const record = {
      key: info.cleanup === 'compact' ? Buffer.from(key) : null,
      value,
      timestamp: BEGIN,
    };
    await this.log.append(topic, index, [record]);
  }
}

const partitionNames = (topic: string, count: number): readonly StatePartition[] =>
  partitionsOf(count).map((index: PartitionIndex) => statePartition(topic, index));

/** Wide caps: the naive twin knows none. */
const streamOptionsOf = ({ readRecordsMax, isOneMachine }: Profile): StreamOptions => ({
  ...DEFAULT_STREAM_OPTIONS,
  history: {
    ...DEFAULT_STREAM_OPTIONS.history,
    historyMax: 1_000,
    sessionsMax: 500,
    pendingUndosMax: 500,
  },
  item: { ...DEFAULT_STREAM_OPTIONS.item, neighboursMax: 10_000, neighboursKept: 10_000 },
  runner: {
    ...DEFAULT_STREAM_OPTIONS.runner,
    readRecordsMax,
    positionCheckMs: (isOneMachine ? 0 : 2_000) as DurationMs,
  },
  sink: {
    ...DEFAULT_STREAM_OPTIONS.sink,
    chunkRecords: 256,
    lookEveryMs: 1_000 as DurationMs,
    retryMs: 1_000 as DurationMs,
  },
});
