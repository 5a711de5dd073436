/**
 * Ownership by a consumer group of Kafka, of which only the membership is used: who is there, who leads,
 * who got what. The group has no subscription and commits no offsets; where to read on, the state knows.
 * The client's consumer would do this too, but with fetching in the same loop, whose failures and waits
 * hold up the heartbeat; here nothing else stands in its way.
 *
 * A member joins (and waits for the others), the leader shares out, each learns its part and then says
 * every now and then that it lives. When it is told that the group changes, or hears nothing for most of
 * the time after which others count it as gone, its work is stopped first of all.
 */
import type { Clock, Logger } from '../../../schemas/environment.ts';
import type { DurationMs } from '../../../schemas/ids.ts';
import { type OwnedWork, type PartitionOwnership, shareUnits } from '../partition-ownership.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import type { KafkaAccess, KafkaNode } from './kafka-connection.ts';
import {
  failureOf,
  ILLEGAL_GENERATION,
  KafkaFailure,
  logError,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
} from './kafka-errors.ts';
import { kafkaNameOf } from './topic-place.ts';

export interface KafkaOwnershipOptions {
  readonly access: KafkaAccess;
  readonly namespace: string;
  /** Which work is shared out; all members name the same units. */
  readonly group: string;
  readonly units: readonly string[];
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly logger: Logger;
  /** Who was not heard of for so long is gone. */
  readonly sessionMsMax?: number;
  /** How long the group waits for a member to stop what it had. */
  readonly releaseMsMax?: number;
}

export const DEFAULT_KAFKA_OWNERSHIP_OPTIONS = {
  sessionMsMax: 10_000,
  releaseMsMax: 15_000,
} as const satisfies Partial<KafkaOwnershipOptions>;

export const joinKafkaOwnership = (options: KafkaOwnershipOptions): PartitionOwnership => ({
  run: (work, signal) =>
    new Member({ ...DEFAULT_KAFKA_OWNERSHIP_OPTIONS, ...options }).run(work, signal),
});

const PROTOCOL_TYPE = 'freshet';
const PROTOCOL = 'sticky-units-1';
/** So many heartbeats in the time after which silence counts as death. */
const HEARTBEATS_A_SESSION = 5;
/** Others believe that we are gone a little later than we do. */
const BELIEVED_SHARE = 0.8;
const RETRY_PAUSE_MS = 200;

interface Generation {
  readonly coordinator: KafkaNode;
  readonly generationId: number;
  readonly memberId: string;
  readonly units: readonly string[];
}

class Member {
  readonly #options: Required<KafkaOwnershipOptions>;
  readonly #cluster: KafkaCluster;
  readonly #groupId: string;
  #memberId = '';
  #had: readonly string[] = [];

  constructor(options: Required<KafkaOwnershipOptions>) {
    this.#options = options;
    this.#groupId = kafkaNameOf(options.namespace, options.group);
    // A join waits for the slowest member.
    const requestMsMax = Math.max(options.access.requestMsMax, options.releaseMsMax);
    this.#cluster = new KafkaCluster({ ...options.access, requestMsMax }, new Map());
  }

  async run(work: OwnedWork, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const generation = await unlessAborted(this.#join(signal), signal);
        if (generation) await this.#live(generation, work, signal);
      }
    } finally {
      await this.#leave();
      await this.#cluster.close();
    }
  }

  /** undefined when it has to be tried again. */
  async #join(signal: AbortSignal): Promise<Generation | undefined> {
    try {
      return await this.#cluster.onCoordinator(this.#groupId, (node) => this.#joinAt(node));
    } catch (error) {
      const failure = failureOf(error);
      if (codeOf(failure) === UNKNOWN_MEMBER_ID) this.#memberId = '';
      else if (failure instanceof KafkaFailure && failure.remedy === 'none')
        throw logError(failure);
      const { clock, logger, group } = this.#options;
      logger.debug('cannot join the group now', { group, problem: failure.message });
      await clock.sleep(RETRY_PAUSE_MS as DurationMs, signal).catch(() => undefined);
      return undefined;
    }
  }

  async #joinAt(coordinator: KafkaNode): Promise<Generation> {
    const { sessionMsMax, releaseMsMax, units } = this.#options;
    const groupId = this.#groupId;
    const joined = await coordinator.broker.joinGroup({
      groupId,
      sessionTimeout: sessionMsMax,
      rebalanceTimeout: releaseMsMax,
      memberId: this.#memberId,
      protocolType: PROTOCOL_TYPE,
      groupProtocols: [{ name: PROTOCOL, metadata: encodeUnits(this.#had) }],
    });
    const { generationId, memberId, leaderId, members } = joined;
    this.#memberId = memberId;
    const everybody = members.map((each) => ({
      id: each.memberId,
      had: decodeUnits(each.memberMetadata),
    }));
    const shares = memberId === leaderId ? [...shareUnits(units, everybody)] : [];
    const { memberAssignment } = await coordinator.broker.syncGroup({
      groupId,
      generationId,
      memberId,
      groupAssignment: shares.map(([id, share]) => ({
        memberId: id,
        memberAssignment: encodeUnits(share),
      })),
    });
    return { coordinator, generationId, memberId, units: decodeUnits(memberAssignment) };
  }

  /** Works until the units may become another's, and has stopped when it returns. */
  async #live(generation: Generation, work: OwnedWork, signal: AbortSignal): Promise<void> {
    const { logger, group } = this.#options;
    const { units, generationId } = generation;
    logger.info('units of work are owned', { group, generation: generationId, units });
    const lease = new AbortController();
    const stop = (): void => lease.abort();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const over = new AbortController();
    const working = work(units, lease.signal).finally(() => over.abort());
    const beating = this.#beat(generation, { lease, over: over.signal });
    try {
      await working;
      if (!lease.signal.aborted) throw new Error('Expected work to go on until it is stopped');
    } finally {
      stop();
      over.abort();
      signal.removeEventListener('abort', stop);
      await beating;
    }
    this.#had = units;
  }

  /** Ends the lease as soon as it may not hold any more, and keeps the membership until work is over. */
  async #beat(
    { coordinator, generationId, memberId }: Generation,
    { lease, over }: { readonly lease: AbortController; readonly over: AbortSignal },
  ): Promise<void> {
    const { clock, sessionMsMax } = this.#options;
    const pauseMs = (sessionMsMax / HEARTBEATS_A_SESSION) as DurationMs;
    let heardAt = clock.monotonicMs();
    for (;;) {
      await clock.sleep(pauseMs, over).catch(() => undefined);
      if (over.aborted) return;
      try {
        const groupId = this.#groupId;
        const request = { groupId, groupGenerationId: generationId, memberId };
        await this.#withinBelief(coordinator.broker.heartbeat(request), heardAt);
        heardAt = clock.monotonicMs();
      } catch (error) {
        const code = codeOf(failureOf(error));
        if (code === UNKNOWN_MEMBER_ID) this.#memberId = '';
        const isBeliefOver = clock.monotonicMs() - heardAt > BELIEVED_SHARE * sessionMsMax;
        if (isLost(code) || isBeliefOver) lease.abort();
        if (code === UNKNOWN_MEMBER_ID || code === ILLEGAL_GENERATION) return;
      }
    }
  }

  /** A heartbeat that is not answered must not keep the lease alive. */
  async #withinBelief(beat: Promise<unknown>, heardAt: number): Promise<void> {
    const { clock, sessionMsMax } = this.#options;
    const leftMs = heardAt + BELIEVED_SHARE * sessionMsMax - clock.monotonicMs();
    const answered = new AbortController();
    const late = clock
      .sleep(Math.max(1, leftMs) as DurationMs, answered.signal)
      .then(() => 'late' as const)
      .catch(() => 'answered' as const);
    try {
      const outcome = await Promise.race([beat, late]);
      if (outcome === 'late') throw silence();
    } finally {
      answered.abort();
      beat.catch(() => undefined);
    }
  }

  /**
   * So that the others need not wait until it counts as gone. By a connection of its own: on the other one
   * it would stand behind a join that may wait for a dead member.
   */
  async #leave(): Promise<void> {
    if (this.#memberId === '') return;
    const request = { groupId: this.#groupId, memberId: this.#memberId };
    const cluster = new KafkaCluster(this.#options.access, new Map());
    await cluster
      .onCoordinator(this.#groupId, ({ broker }) => broker.leaveGroup(request))
      .catch(() => undefined);
    await cluster.close();
  }
}

/** undefined as soon as nobody wants it any more, though it may still be under way. */
const unlessAborted = async <Result>(
  wanted: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> => {
  const over = new AbortController();
  const unwanted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: over.signal });
    if (signal.aborted) resolve(undefined);
  });
  try {
    return await Promise.race([wanted, unwanted]);
  } finally {
    over.abort();
    wanted.catch(() => undefined);
  }
};

const silence = (): KafkaFailure =>
  new KafkaFailure('no answer to a heartbeat', { remedy: 'reconnect', mayHaveAppended: false });

const codeOf = (failure: Error): number | undefined =>
  failure instanceof KafkaFailure ? failure.kafkaCode : undefined;

const isLost = (code: number | undefined): boolean =>
  code === REBALANCE_IN_PROGRESS || code === UNKNOWN_MEMBER_ID || code === ILLEGAL_GENERATION;

const encodeUnits = (units: readonly string[]): Buffer => Buffer.from(JSON.stringify(units));

const decodeUnits = (bytes: Buffer): readonly string[] =>
  bytes.length === 0 ? [] : (JSON.parse(bytes.toString('utf8')) as readonly string[]);
