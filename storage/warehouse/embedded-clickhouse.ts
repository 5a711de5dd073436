/**
 * Keeps ClickHouse's engine running in a process of its own, served over HTTP on loopback: starts
 * it, watches it, starts it again when it dies or stops answering, and puts its directory aside
 * when it no longer opens. The address and password stay the same for the life of this object, so
 * clients in other threads need not know about any of that: their statements fail for less than a
 * second, and after a directory was set aside with `warehouse_reset`.
 *
 * Setting aside renames, never deletes, and is undone when a fresh directory does not start either:
 * then it was not the directory.
 */
import type { Clock, Logger, RandomSource } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { ClickHouseConnection } from '../clickhouse/clickhouse-connection.ts';
import {
  type EngineConfiguration,
  holdsData,
  logSize,
  logTail,
  ownPingPath,
  prepareDirectory,
  putBack,
  setAside,
} from './engine-directory.ts';
import { embeddedClickHouseAvailable } from './engine-library.ts';
import { freePort } from './engine-port.ts';
import { type EngineEnd, type EngineProcess, startEngine, urlOf } from './engine-process.ts';
import { answersInTime, type EngineWatch, untilSilent } from './engine-watch.ts';

export type EngineEvent =
  | { readonly kind: 'ready'; readonly pid: number; readonly startedInMs: number }
  | { readonly kind: 'lost'; readonly problem: string }
  | { readonly kind: 'not-starting'; readonly problem: string; readonly retryInMs: number }
  /** A file no longer holds what was written to it. Queries that touch it fail; the rest goes on. */
  | { readonly kind: 'damage-found'; readonly problem: string }
  /** What the warehouse held is to be rebuilt from the log. */
  | { readonly kind: 'set-aside'; readonly directory: string; readonly problem: string };

export interface EngineStatus {
  readonly state: 'starting' | 'ready' | 'closed';
  readonly pid: number | null;
  readonly restarts: number;
  /** Why it is not ready, or the last thing that went wrong. */
  readonly problem: string | null;
}

export interface EmbeddedClickHouseOptions {
  readonly directory: string;
  /** Name of the database that clients may use. */
  readonly database: string;
  /** Random, and made of letters, digits, - and _. */
  readonly password: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: RandomSource;
  readonly onEvent?: (event: EngineEvent) => void;
  readonly threads?: number;
  readonly memoryBytes?: number;
  readonly timing?: Partial<EngineTiming>;
}

export interface EngineTiming {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** So many unanswered pings in a row, and the engine is killed. */
  readonly pingsMissedMax: number;
  readonly startTimeoutMs: number;
  /** The engine waits for clients that are still connected; then it is killed, which loses nothing. */
  readonly stopTimeoutMs: number;
  readonly backOffMinMs: number;
  readonly backOffMaxMs: number;
}

export const DEFAULT_ENGINE_TIMING: EngineTiming = {
  pingIntervalMs: 2_000,
  pingTimeoutMs: 5_000,
  pingsMissedMax: 2,
  startTimeoutMs: 60_000,
  stopTimeoutMs: 2_000,
  backOffMinMs: 50,
  backOffMaxMs: 30_000,
};

export const DEFAULT_ENGINE_OPTIONS = { threads: 1, memoryBytes: 1024 ** 3 } as const;

/** An engine that dies sooner after its start is started again with growing pauses. */
const STABLE_AFTER_MS = 10_000;
const USERNAME = 'freshet';
const READY_POLL_MS = 10 as DurationMs;
/** A directory is set aside when the engine refuses it so many times in a row. */
const REFUSALS_UNTIL_SET_ASIDE = 2;

type Refusal = 'directory' | 'passing';

class StartFailure extends Error {
  readonly refusal: Refusal;
  constructor(message: string, refusal: Refusal) {
    super(message);
    this.refusal = refusal;
  }
}

export class EmbeddedClickHouse {
  readonly #options: EmbeddedClickHouseOptions;
  readonly #timing: EngineTiming;
  readonly #library: string;
  /** Chosen anew only until the first start has succeeded. */
  #port: number;
  readonly #closing = new AbortController();
  #process: EngineProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #state: EngineStatus['state'] = 'starting';
  #restarts = 0;
  #problem: string | null = null;
  /** Reported from outside: the directory is to be set aside at the next start. */
  #damage: string | undefined;

  /** Resolves once the engine answers. Rejects where it is not available or does not start. */
  static async start(options: EmbeddedClickHouseOptions): Promise<EmbeddedClickHouse> {
    const { library, why } = embeddedClickHouseAvailable();
    if (library === undefined) throw new FreshetError('unavailable', { why });
    const engine = new EmbeddedClickHouse(options, library, await freePort(options.random));
    try {
      await engine.#bringUp({ isFirst: true });
    } catch (cause) {
      await engine.close();
      throw new FreshetError(
        'warehouse_unavailable',
        { problem: (cause as Error).message },
        { cause },
      );
    }
    engine.#supervision = engine.#supervise();
    return engine;
  }

  private constructor(options: EmbeddedClickHouseOptions, library: string, port: number) {
    this.#options = options;
    this.#timing = { ...DEFAULT_ENGINE_TIMING, ...options.timing };
    this.#library = library;
    this.#port = port;
  }

  get connection(): ClickHouseConnection {
    return { url: urlOf(this.#port), username: USERNAME, password: this.#options.password };
  }

  status(): EngineStatus {
    return {
      state: this.#state,
      pid: this.#state === 'ready' ? (this.#process?.pid ?? null) : null,
      restarts: this.#restarts,
      problem: this.#problem,
    };
  }

  /** For whoever finds that what the engine reads from its disk is not what it wrote. */
  reportDamage(problem: string): void {
    if (this.#state === 'closed') return;
    this.#damage = problem;
    this.#process?.kill();
  }

  /** Setting aside data that may be older than the log is for a person to decide. */
  #noteDamage(problem: string): void {
    this.#problem = problem;
    this.#options.logger.error('the warehouse has damaged files', { problem });
    this.#options.onEvent?.({ kind: 'damage-found', problem });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#closing.abort(new Error('the engine is being stopped'));
    await this.#supervision;
    const engine = this.#process;
    if (engine === undefined) return;
    engine.stop();
    const waiting = new AbortController();
    const patience = this.#options.clock
      .sleep(this.#timing.stopTimeoutMs as DurationMs, waiting.signal)
      .then(
        () => engine.kill(),
        () => {},
      );
    await engine.ended;
    waiting.abort();
    await patience;
  }

  async #supervise(): Promise<void> {
    const { clock } = this.#options;
    let shortLives = 0;
    while (!this.#isClosing()) {
      const begun = clock.monotonicMs();
      const problem = await this.#untilLost(this.#process!);
      if (this.#isClosing()) return;
      shortLives = clock.monotonicMs() - begun < STABLE_AFTER_MS ? shortLives + 1 : 0;
      this.#state = 'starting';
      this.#problem = problem;
      this.#restarts += 1;
      this.#options.logger.warn('the warehouse engine was lost', { problem });
      this.#options.onEvent?.({ kind: 'lost', problem });
      if (shortLives > 1) await this.#pause(this.#backOffMs(shortLives), problem);
      await this.#bringUp({ isFirst: false });
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Resolves with what happened when the process ended, hung (it is then killed), or on close. */
  async #untilLost(engine: EngineProcess): Promise<string> {
    const watching = new AbortController();
    const signal = AbortSignal.any([watching.signal, this.#closing.signal]);
    const closed = new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve('closing'), { once: true });
    });
    const problem = await Promise.race([
      engine.ended.then(sentenceOf),
      untilSilent(this.#watch(), signal),
      closed,
    ]);
    watching.abort();
    if (!this.#isClosing()) {
      engine.kill();
      await engine.ended;
    }
    return problem;
  }

  /**
   * Starts the engine, again and again with growing pauses. The first start gives up where waiting
   * does not help; later ones never do, because the rest of Freshet runs on without a warehouse.
   */
  async #bringUp({ isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const { clock } = this.#options;
    const begun = clock.monotonicMs();
    let refusals = 0;
    for (let failures = 1; !this.#isClosing(); failures += 1) {
      const failure = await this.#tryStart();
      if (failure === undefined) return;
      if (this.#isClosing()) break;
      this.#problem = failure.message;
      refusals = failure.refusal === 'directory' ? refusals + 1 : 0;
      if (refusals >= REFUSALS_UNTIL_SET_ASIDE) this.#damage = failure.message;
      const isOver = clock.monotonicMs() - begun > this.#timing.startTimeoutMs;
      if (isFirst && PORT_TAKEN.test(failure.message)) {
        this.#port = await freePort(this.#options.random);
      }
      if (isFirst && (isOver || refusals > REFUSALS_UNTIL_SET_ASIDE)) throw failure;
      await this.#pause(this.#backOffMs(failures), failure.message);
    }
  }

  #backOffMs(failures: number): number {
    const { backOffMinMs, backOffMaxMs } = this.#timing;
    return Math.min(backOffMinMs * 2 ** (failures - 1), backOffMaxMs);
  }

  async #pause(retryInMs: number, problem: string): Promise<void> {
    this.#options.logger.warn('the warehouse engine does not start', { problem, retryInMs });
    this.#options.onEvent?.({ kind: 'not-starting', problem, retryInMs });
    try {
      await this.#options.clock.sleep(retryInMs as DurationMs, this.#closing.signal);
    } catch {
      // Closing: the caller looks.
    }
  }

  /** Whether a fresh directory starts; where it does not, the former one is put back. */
  async #startAfresh(problem: string): Promise<boolean> {
    const { directory, clock, logger, onEvent } = this.#options;
    if (!holdsData(directory)) return false;
    const aside = await setAside(directory, clock.now());
    const failure = await this.#startOnce();
    if (failure !== undefined) {
      await putBack(aside, directory);
      return false;
    }
    logger.error('the warehouse was damaged and is set up anew', { problem, aside });
    onEvent?.({ kind: 'set-aside', directory: aside, problem });
    return true;
  }

  async #tryStart(): Promise<StartFailure | undefined> {
    try {
      const damage = this.#damage;
      this.#damage = undefined;
      if (damage !== undefined && (await this.#startAfresh(damage))) return undefined;
      return await this.#startOnce();
    } catch (cause) {
      // The disk refused: no room, or no right to write there.
      return new StartFailure((cause as Error).message, 'passing');
    }
  }

  async #startOnce(): Promise<StartFailure | undefined> {
    const { clock, directory, logger, onEvent } = this.#options;
    const begun = clock.monotonicMs();
    await prepareDirectory(this.#configuration());
    const loggedBefore = await logSize(directory);
    const engine = startEngine({ library: this.#library, directory, port: this.#port });
    this.#process = engine;
    const failure = await this.#untilReady(engine, { begun, loggedBefore });
    if (failure !== undefined) {
      engine.kill();
      await engine.ended;
      return failure;
    }
    this.#state = 'ready';
    const startedInMs = clock.monotonicMs() - begun;
    logger.info('the warehouse engine is ready', { pid: engine.pid, startedInMs });
    onEvent?.({ kind: 'ready', pid: engine.pid, startedInMs });
    return undefined;
  }

  async #untilReady(
    engine: EngineProcess,
    { begun, loggedBefore }: { readonly begun: number; readonly loggedBefore: number },
  ): Promise<StartFailure | undefined> {
    const { clock, directory } = this.#options;
    let end: EngineEnd | undefined;
    void engine.ended.then((how) => {
      end = how;
    });
    while (end === undefined) {
      if (this.#isClosing()) return new StartFailure('it is being stopped', 'passing');
      if (clock.monotonicMs() - begun > this.#timing.startTimeoutMs) {
        return new StartFailure('it did not answer in time', 'passing');
      }
      if (await answersInTime(this.#watch(), this.#closing.signal)) return undefined;
      await clock.sleep(READY_POLL_MS);
    }
    return startFailureOf(end, await logTail(directory, loggedBefore));
  }

  #watch(): EngineWatch {
    return {
      ...this.#timing,
      clock: this.#options.clock,
      connection: this.connection,
      pingUrl: `${urlOf(this.#port)}${ownPingPath(this.#configuration())}`,
      onDamage: (problem) => this.#noteDamage(problem),
    };
  }

  #configuration(): EngineConfiguration {
    const { directory, database, password } = this.#options;
    const { threads, memoryBytes } = { ...DEFAULT_ENGINE_OPTIONS, ...this.#options };
    return { directory, database, username: USERNAME, password, threads, memoryBytes };
  }
}

const sentenceOf = ({ code, signal, said }: EngineEnd): string => {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return said === '' ? `it ended with ${how}` : `it ended with ${how}: ${said}`;
};

const PORT_TAKEN = /Address already in use/;

/** Reasons to refuse a start that say nothing about the directory. */
const PASSING_REASONS =
  /already in use|Another server instance|Cannot lock file|No space left|NOT_ENOUGH_SPACE|Cannot allocate memory|MEMORY_LIMIT_EXCEEDED|Too many open files|NETWORK_ERROR/i;

const startFailureOf = (end: EngineEnd, log: string): StartFailure => {
  const text = [sentenceOf(end), log].filter((part) => part !== '').join('\n');
  const isPassing = end.signal === 'SIGKILL' || PASSING_REASONS.test(text);
  return new StartFailure(text, isPassing ? 'passing' : 'directory');
};
