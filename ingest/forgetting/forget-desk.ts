/**
 * Requests to forget people: puts them on record, tells how far they are, and sees that they are done
 * (`forget-steps.ts`). A request that was interrupted anywhere is taken up at the next start, and so is
 * one that a backup brought back with its key. Requests that come while others are under way are done
 * together.
 *
 * Where several processes share the log, any of them takes requests and any of them tells: all follow what
 * is on record. One at a time does the work; when it goes, another takes up what it left.
 */
import { FORGET_STAGES, type ForgetReceipt } from '../../schemas/api/forgetting.ts';
import type { Clock, CrashPoint, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type DurationMs,
  type Offset,
  type SubjectId,
  subjectOfUser,
  type UserId,
} from '../../schemas/ids.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { AppendQueue, QueueBudget } from '../edge/append-queue.ts';
import {
  appendForgetRequest,
  type ForgetRequest,
  followForgetRequests,
  readForgetRequests,
} from './forget-records.ts';
import { ForgetSteps, type Person, stepsOf, type UnderWay } from './forget-steps.ts';
import type { Forgetting } from './forgetting.ts';

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
  /** What is on record can no longer be followed. */
  readonly onFatal: (error: Error) => void;
}

const RETRY_MS = 2_000 as DurationMs;
const USER = 'u:';
const FOREIGN = 'it was asked for before this log was copied from another place: ask once more';

export class ForgetDesk {
  readonly #options: ForgetDeskOptions;
  readonly #steps: ForgetSteps;
  readonly #receipts = new Map<string, ForgetReceipt>();
  /** By request, in the order in which they were asked for. */
  readonly #underWay = new Map<string, UnderWay>();
  readonly #asking = new Map<SubjectId, Promise<ForgetReceipt>>();
  readonly #stopping = new AbortController();
  /** While the work is this process's own; aborted when it may become another's. */
  #duty: AbortSignal | undefined;
  #working: Promise<void> | undefined;
  #sharing: Promise<unknown> | undefined;
  #heardTo = 0 as Offset;

  constructor(options: ForgetDeskOptions) {
    this.#options = options;
    this.#steps = new ForgetSteps({
      ...options,
      onChange: ({ receipt }) => void this.#receipts.set(receipt.requestId, receipt),
    });
  }

  /** To be called before anything is appended: from here on no retired key seals anything. */
  async open(): Promise<void> {
    const { requests, next } = await readForgetRequests(this.#options.log);
    this.#heardTo = next;
    for (const request of requests) this.#hear(request);
    if (this.#options.forgetting.shared !== undefined) return;
    this.#duty = this.#stopping.signal;
    this.#takeUpRestored(requests);
    // Nothing of a new person of that id may lie before the event that forgets the former one.
    for (const underWay of this.#underWay.values()) await this.#steps.logOnce(underWay);
  }

  /** Takes up what was interrupted; the stream must be running. */
  start(): void {
    const { shared } = this.#options.forgetting;
    if (shared === undefined) this.#workOn();
    else this.#sharing = Promise.all([this.#follow(), this.#takePart(shared.ownership)]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
    await this.#sharing;
  }

  /** Resolves once it is on record: from then on it happens, whatever happens. */
  async forget(userId: UserId): Promise<ForgetReceipt> {
    this.#options.budget.check();
    const subject = subjectOfUser(userId);
    for (const { person, receipt } of this.#underWay.values()) {
      if (person?.subject === subject) return receipt;
    }
    const asked = this.#asking.get(subject) ?? this.#ask(subject);
    this.#asking.set(subject, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(subject);
    }
  }

  async #ask(subject: SubjectId): Promise<ForgetReceipt> {
    const { newRequestId, clock, log, crashPoint } = this.#options;
    const request = await this.#steps.newRequest(this.#personOf(subject), newRequestId());
    await appendForgetRequest(log, request, clock.now());
    crashPoint('forget.on-record');
    // Among several, another may have logged it by the time that this process has the work.
    this.#hear(request, { isFresh: this.#options.forgetting.shared === undefined });
    return this.receipt(request.receipt.requestId);
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
    const pause = new AbortController();
    const waited = this.#options.clock.sleep(ms, pause.signal).catch(() => undefined);
    await Promise.race([this.#underWay.get(requestId)?.done.promise, waited]);
    pause.abort();
    return this.receipt(requestId);
  }

  /** What is on record of a request; hearing it again, or what is behind by now, does no harm. */
  #hear(request: ForgetRequest, { isFresh = false } = {}): void {
    const { receipt } = request;
    const { requestId } = receipt;
    const told = this.#receipts.get(requestId);
    if (told !== undefined && stepsOf(told) > stepsOf(receipt)) return;
    this.#receipts.set(requestId, receipt);
    const known = this.#underWay.get(requestId);
    if (receipt.stage === 'done') {
      this.#underWay.delete(requestId);
      known?.done.resolve(receipt);
      return;
    }
    const underWay = known ?? this.#takeUp(request, { isFresh });
    if (known) known.receipt = receipt;
    const { person } = underWay;
    if (person && isTakenBack(receipt)) this.#options.forgetting.letGoOf?.(person.subject);
    this.#workOn();
  }

  #takeUp(request: ForgetRequest, { isFresh }: { readonly isFresh: boolean }): UnderWay {
    const { keeper } = this.#options.forgetting;
    const key = keeper.keyIn(Buffer.from(request.person, 'base64'));
    const underWay: UnderWay = {
      request,
      person: key && this.#personOf(Buffer.from(key).toString() as SubjectId),
      receipt: request.receipt,
      offset: undefined,
      mayBeLogged: !isFresh,
      done: Promise.withResolvers<ForgetReceipt>(),
    };
    const { requestId } = request.receipt;
    // It came with a log that was copied under way: nobody can tell any more whom it is about.
    if (key === undefined && !keeper.isDestroyed(request.address)) {
      underWay.receipt = { ...request.receipt, problem: FOREIGN };
      this.#receipts.set(requestId, underWay.receipt);
    } else this.#underWay.set(requestId, underWay);
    return underWay;
  }

  /** Those that are done, and yet their keys open something: a backup brought both back. */
  #takeUpRestored(requests: readonly ForgetRequest[]): void {
    const { keeper } = this.#options.forgetting;
    for (const request of requests) {
      if (request.receipt.stage !== 'done') continue;
      if (keeper.keyIn(Buffer.from(request.person, 'base64')) === undefined) continue;
      const receipt = { ...request.receipt, stage: 'asked', finishedAt: null } as const;
      this.#receipts.set(receipt.requestId, receipt);
      this.#takeUp({ ...request, receipt }, { isFresh: false });
    }
  }

  #personOf(subject: SubjectId): Person {
    const { partitionCount } = this.#options.queue;
    const userId = subject.slice(USER.length) as UserId;
    return { subject, userId, partition: partitionOf(subject, partitionCount) };
  }

  async #follow(): Promise<void> {
    const { log, onFatal } = this.#options;
    const { signal } = this.#stopping;
    try {
      for await (const request of followForgetRequests(log, this.#heardTo, signal)) {
        this.#hear(request);
      }
    } catch (error) {
      if (!signal.aborted) onFatal(error as Error);
    }
  }

  async #takePart(ownership: PartitionOwnership | undefined): Promise<void> {
    const { signal } = this.#stopping;
    const work = (units: readonly string[], lease: AbortSignal): Promise<void> =>
      this.#beOnDuty(units.length > 0, lease);
    await ownership?.run(work, signal).catch((error: Error) => {
      if (!signal.aborted) this.#options.onFatal(error);
    });
  }

  async #beOnDuty(isOwner: boolean, lease: AbortSignal): Promise<void> {
    if (isOwner) {
      await this.#catchUp(lease);
      this.#duty = lease;
      this.#workOn();
    }
    await untilAborted(lease);
    this.#duty = undefined;
    await this.#working;
  }

  /** Whoever did the work before may have come further than was heard here. */
  async #catchUp(lease: AbortSignal): Promise<void> {
    const { log, forgetting, clock, logger } = this.#options;
    while (!lease.aborted) {
      try {
        const { requests } = await readForgetRequests(log);
        await forgetting.shared?.untilKeysKnown();
        for (const request of requests) this.#hear(request);
        this.#takeUpRestored(requests);
        return;
      } catch (error) {
        logger.warn('cannot see yet who is to be forgotten', { error });
        await clock.sleep(RETRY_MS, lease).catch(() => undefined);
      }
    }
  }

  #workOn(): void {
    if (this.#duty === undefined || this.#underWay.size === 0) return;
    this.#working ??= this.#work(this.#duty);
  }

  async #work(duty: AbortSignal): Promise<void> {
    while (this.#underWay.size > 0 && !duty.aborted) {
      const together = this.#nextTogether();
      try {
        await this.#steps.forgetAll(together, duty);
      } catch (error) {
        if (duty.aborted) break;
        await this.#sayProblem(together, error);
        await this.#options.clock.sleep(RETRY_MS, duty).catch(() => undefined);
      } finally {
        this.#strikeOut(together);
      }
    }
    this.#working = undefined;
  }

  #strikeOut(together: readonly UnderWay[]): void {
    for (const { receipt } of together) {
      if (receipt.stage === 'done') this.#underWay.delete(receipt.requestId);
    }
  }

  /** Of a person the oldest request; the others find the key gone and get their receipts next. */
  #nextTogether(): readonly UnderWay[] {
    const byAddress = Map.groupBy(this.#underWay.values(), ({ request }) => request.address);
    return [...byAddress.values()].map(([oldest]) => oldest!);
  }

  async #sayProblem(together: readonly UnderWay[], error: unknown): Promise<void> {
    const { logger } = this.#options;
    logger.warn('somebody is not forgotten yet; it is tried again', { error });
    const problem = error instanceof Error ? error.message : String(error);
    for (const underWay of together.filter(({ receipt }) => receipt.stage !== 'done')) {
      await this.#steps.tell(underWay, { problem }).catch((cause: unknown) => {
        logger.warn('what holds up forgetting cannot be put on record', { error: cause });
      });
    }
  }
}

const isTakenBack = (receipt: ForgetReceipt): boolean =>
  stepsOf(receipt) >= FORGET_STAGES.indexOf('taken-back');
