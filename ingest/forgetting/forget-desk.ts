/**
 * Forgetting people, step by step, each of which may be done again: on record → an event in the log →
 * out of state and counts → out of the warehouse → the key destroyed → the receipt. A request that was
 * interrupted anywhere is taken up at the next start, and so is one that a backup brought back with its
 * key. Requests that come while others are under way are done together.
 *
 * What decides who is forgotten is the order of submission: in one turn of the event loop the request is
 * sealed with the person's key, the key is retired, and the request is queued behind everything that was
 * accepted before. So whatever comes later belongs to a new person of the same id, with another key.
 */
import type { ForgetReceipt, ForgetStage } from '../../schemas/api/forgetting.ts';
import { formatTime } from '../../schemas/api/time.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, CrashPoint, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type DurationMs,
  type Offset,
  type PartitionIndex,
  type SubjectId,
  subjectOfUser,
  type UserId,
} from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { AppendQueue, QueueBudget } from '../edge/append-queue.ts';
import { readableRecord } from '../readable-record.ts';
import type { ForgetEvidence } from './forget-evidence.ts';
import { appendForgetRequest, type ForgetRequest, readForgetRequests } from './forget-records.ts';
import { type ForgottenPlace, PERSONAL_TABLES } from './warehouse-forgetting.ts';

/** The keys of people; an address names one. */
export interface PersonKeeper {
  addressOf(subject: SubjectId): string;
  seal(
    address: string,
    record: { readonly key: Uint8Array; readonly value: Uint8Array },
  ): Uint8Array;
  /** The key of a sealed record; undefined once it cannot be opened. */
  keyIn(sealed: Uint8Array): Uint8Array | undefined;
  retire(address: string): void;
  /** Resolves once nobody has the key any more, on the disk and in memory. */
  destroy(address: string): Promise<void>;
}

/** What the rest of the instance does to forget. */
export interface Forgetting {
  readonly keeper: PersonKeeper;
  evidenceOf(subject: SubjectId): Promise<ForgetEvidence>;
  /** Takings-back, over all items, that met what had been pruned. */
  missedTakingsBack(): Promise<number>;
  /** Resolves once the stream has taken in whatever the log holds now, items included. */
  untilTakenIn(): Promise<void>;
  /** Resolves once the state holds nothing of these, and no state of before them can come back. */
  settleState(places: readonly ForgottenEvent[]): Promise<void>;
  /** Resolves to the rows deleted of each; left out where no warehouse holds anything. */
  readonly deleteRows?: (
    places: readonly ForgottenPlace[],
    signal: AbortSignal,
  ) => Promise<number[]>;
  /** Whether the log of this partition still holds what was written before records were sealed. */
  hasUnsealedRecords(partition: PartitionIndex): Promise<boolean>;
}

/** Where the event stands that forgets somebody. */
export interface ForgottenEvent {
  readonly subject: SubjectId;
  readonly partition: PartitionIndex;
  readonly offset: Offset;
}

export interface ForgetDeskOptions {
  readonly forgetting: Forgetting;
  readonly log: EventLog;
  /** Of the interactions. */
  readonly queue: AppendQueue;
  readonly budget: QueueBudget;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crashPoint: CrashPoint;
  readonly newRequestId: () => string;
}

interface UnderWay {
  readonly request: ForgetRequest;
  readonly subject: SubjectId;
  readonly userId: UserId;
  readonly partition: PartitionIndex;
  receipt: ForgetReceipt;
  /** Of the record in the log, once it is there. */
  offset: Offset | undefined;
  readonly done: PromiseWithResolvers<ForgetReceipt>;
}

const RETRY_MS = 2_000 as DurationMs;
const USER = 'u:';
const NO_BYTES = new Uint8Array(0);

export class ForgetDesk {
  readonly #options: ForgetDeskOptions;
  readonly #receipts = new Map<string, ForgetReceipt>();
  readonly #underWay = new Map<SubjectId, UnderWay>();
  readonly #asking = new Map<SubjectId, Promise<ForgetReceipt>>();
  readonly #stopping = new AbortController();
  #working: Promise<void> | undefined;

  constructor(options: ForgetDeskOptions) {
    this.#options = options;
  }

  /** To be called before anything is appended: from here on no retired key seals anything. */
  async open(): Promise<void> {
    const { keeper } = this.#options.forgetting;
    for (const request of await readForgetRequests(this.#options.log)) {
      this.#receipts.set(request.receipt.requestId, request.receipt);
      const key = keeper.keyIn(Buffer.from(request.person, 'base64'));
      // Where its key is gone, only the receipt may be missing.
      if (key === undefined && request.receipt.stage === 'done') continue;
      if (key === undefined) await this.#writeReceipt(request, request.receipt);
      else await this.#takeUpAgain(request, Buffer.from(key).toString() as SubjectId);
    }
  }

  /** Nothing of a new person of that id may lie before the event that forgets the former one. */
  async #takeUpAgain(request: ForgetRequest, subject: SubjectId): Promise<void> {
    const underWay = this.#takeUp(request, subject);
    this.#options.forgetting.keeper.retire(request.address);
    underWay.offset = await this.#findEvent(underWay);
    await this.#logOnce(underWay);
  }

  async #findEvent({ request, partition }: UnderWay): Promise<Offset | undefined> {
    const { log } = this.#options;
    const { name } = TOPICS.interactions;
    for await (const slice of partitionSlices(log, name, partition, { from: request.from })) {
      for (const { value, offset } of slice) {
        const named = readableRecord(value);
        if (named?.name !== 'Forget') continue;
        if (named.record.requestId === request.receipt.requestId) return offset;
      }
    }
    return undefined;
  }

  /** Takes up what was interrupted; the stream must be running. */
  start(): void {
    if (this.#underWay.size > 0) this.#working ??= this.#work();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  /** Resolves once it is on record: from then on it happens, whatever happens. */
  async forget(userId: UserId): Promise<ForgetReceipt> {
    this.#options.budget.check();
    const subject = subjectOfUser(userId);
    const known = this.#underWay.get(subject);
    if (known !== undefined) return known.receipt;
    const asked = this.#asking.get(subject) ?? this.#ask(subject);
    this.#asking.set(subject, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(subject);
    }
  }

  async #ask(subject: SubjectId): Promise<ForgetReceipt> {
    const { forgetting, newRequestId, clock, log, queue, crashPoint } = this.#options;
    const { keeper } = forgetting;
    const partition = partitionOf(subject, queue.partitionCount);
    const { end } = await log.watermarks(TOPICS.interactions.name, partition);
    const requestId = newRequestId();
    const askedAt = clock.now();
    const evidence = await forgetting.evidenceOf(subject);
    const address = keeper.addressOf(subject);
    const person = keeper.seal(address, { key: Buffer.from(subject), value: NO_BYTES });
    const request: ForgetRequest = {
      address,
      person: Buffer.from(person).toString('base64'),
      from: end,
      receipt: {
        requestId,
        stage: 'asked',
        askedAt: formatTime(askedAt),
        finishedAt: null,
        problem: null,
        ...evidence,
        exact: evidence.residue.length === 0,
        warehouseRows: null,
        unsealedLog: false,
      },
    };
    await appendForgetRequest(log, request, askedAt);
    crashPoint('forget.on-record');
    const { receipt } = this.#takeUp(request, subject);
    this.start();
    return receipt;
  }

  receipt(requestId: string): ForgetReceipt {
    const receipt = this.#receipts.get(requestId);
    if (receipt === undefined) {
      throw new FreshetError('not_found', { what: `request ${requestId} to forget somebody` });
    }
    return receipt;
  }

  /** Resolves to the receipt, done or not, after this long at the latest. */
  async receiptWithin(requestId: string, ms: DurationMs): Promise<ForgetReceipt> {
    const underWay = [...this.#underWay.values()].find(
      ({ receipt }) => receipt.requestId === requestId,
    );
    const pause = new AbortController();
    const waited = this.#options.clock.sleep(ms, pause.signal).catch(() => undefined);
    await Promise.race([underWay?.done.promise, waited]);
    pause.abort();
    return this.receipt(requestId);
  }

  #takeUp(request: ForgetRequest, subject: SubjectId): UnderWay {
    const { queue } = this.#options;
    const underWay: UnderWay = {
      request,
      subject,
      userId: subject.slice(USER.length) as UserId,
      partition: partitionOf(subject, queue.partitionCount),
      receipt: { ...request.receipt, stage: 'asked', finishedAt: null },
      offset: undefined,
      done: Promise.withResolvers<ForgetReceipt>(),
    };
    this.#underWay.set(subject, underWay);
    this.#receipts.set(underWay.receipt.requestId, underWay.receipt);
    return underWay;
  }

  async #work(): Promise<void> {
    while (this.#underWay.size > 0 && !this.#stopping.signal.aborted) {
      const together = [...this.#underWay.values()];
      try {
        await this.#forgetAll(together);
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        this.#options.logger.warn('somebody is not forgotten yet; it is tried again', { error });
        const problem = error instanceof Error ? error.message : String(error);
        for (const underWay of together) this.#tell(underWay, { problem });
        await this.#options.clock.sleep(RETRY_MS, this.#stopping.signal).catch(() => undefined);
      }
    }
    this.#working = undefined;
  }

  async #forgetAll(together: readonly UnderWay[]): Promise<void> {
    const { forgetting, crashPoint } = this.#options;
    const missedBefore = await forgetting.missedTakingsBack();
    await Promise.all(together.map((underWay) => this.#logOnce(underWay)));
    crashPoint('forget.logged');
    this.#reach(together, 'logged');
    await forgetting.untilTakenIn();
    await forgetting.settleState(
      together.map(({ subject, partition, offset }) => ({ subject, partition, offset: offset! })),
    );
    crashPoint('forget.taken-back');
    this.#reach(together, 'taken-back');
    const missed = (await forgetting.missedTakingsBack()) - missedBefore;
    const rows = await this.#deleteRows(together);
    crashPoint('forget.deleted');
    this.#reach(together, 'deleted');
    for (const [index, underWay] of together.entries()) {
      await this.#finish(underWay, { missed, rows: rows?.[index] ?? null });
    }
  }

  /** Into the log, behind whatever was accepted before: up to the submission all is one turn. */
  async #logOnce(underWay: UnderWay): Promise<void> {
    if (underWay.offset !== undefined) return;
    const { queue, clock, forgetting } = this.#options;
    const { request, subject, userId, partition } = underWay;
    const receivedAt = clock.now();
    const { requestId } = request.receipt;
    const value = forgetting.keeper.seal(request.address, {
      key: Buffer.from(subject),
      value: encodeRecord('Forget', { userId, requestId, receivedAt }),
    });
    forgetting.keeper.retire(request.address);
    const records: readonly AppendRecord[] = [{ key: null, value, timestamp: receivedAt }];
    underWay.offset = await new Promise<Offset>((resolve, reject) => {
      queue.submit(partition, { records, onDurable: resolve, onFailed: reject });
    });
  }

  async #deleteRows(together: readonly UnderWay[]): Promise<readonly number[] | undefined> {
    const { forgetting, log } = this.#options;
    if (forgetting.deleteRows === undefined) return undefined;
    const places = await Promise.all(
      together.map(async ({ subject, partition, offset }): Promise<ForgottenPlace> => {
        const upTo: Record<string, Offset> = {};
        for (const { table, topic } of PERSONAL_TABLES) {
          const isOwnTopic = topic === TOPICS.interactions.name;
          const { end } = await log.watermarks(topic, partition);
          upTo[table] = isOwnTopic ? offset! : ((end - 1) as Offset);
        }
        return { subject, partition, upTo };
      }),
    );
    return forgetting.deleteRows(places, this.#stopping.signal);
  }

  async #finish(
    underWay: UnderWay,
    { missed, rows }: { readonly missed: number; readonly rows: number | null },
  ): Promise<void> {
    const { forgetting, clock, crashPoint } = this.#options;
    const { request, receipt, partition, subject } = underWay;
    const residue = [...receipt.residue];
    if (missed > 0)
      residue.push(`Neighbours of items that had been pruned before: ${missed} at most.`);
    const unsealedLog = await forgetting.hasUnsealedRecords(partition);
    await forgetting.keeper.destroy(request.address);
    crashPoint('forget.key-destroyed');
    const done = await this.#writeReceipt(request, {
      ...receipt,
      problem: null,
      residue,
      exact: residue.length === 0,
      warehouseRows: rows,
      unsealedLog,
      finishedAt: formatTime(clock.now()),
    });
    crashPoint('forget.receipt-written');
    this.#underWay.delete(subject);
    underWay.done.resolve(done);
  }

  async #writeReceipt(request: ForgetRequest, found: ForgetReceipt): Promise<ForgetReceipt> {
    const { log, clock } = this.#options;
    const now = clock.now();
    const receipt: ForgetReceipt = {
      ...found,
      stage: 'done',
      finishedAt: found.finishedAt ?? formatTime(now),
    };
    await appendForgetRequest(log, { ...request, receipt }, now);
    this.#receipts.set(receipt.requestId, receipt);
    return receipt;
  }

  #reach(together: readonly UnderWay[], stage: ForgetStage): void {
    for (const underWay of together) this.#tell(underWay, { stage, problem: null });
  }

  #tell(underWay: UnderWay, change: Partial<ForgetReceipt>): void {
    underWay.receipt = { ...underWay.receipt, ...change };
    this.#receipts.set(underWay.receipt.requestId, underWay.receipt);
  }
}
