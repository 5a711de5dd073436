/**
 * Forgetting people, step by step, each of which may be done again: an event in the log → out of state
 * and counts → out of the warehouse → the keys destroyed → the receipts. Whoever asked meanwhile is done
 * together.
 *
 * What decides who is forgotten is the order of submission: in one turn of the event loop the event is
 * sealed with the person's key, the key is retired, and the event is queued behind everything that was
 * accepted before. So whatever comes later belongs to a new person of the same id, with another key. What
 * other processes seal in the moment until they hear of it lies behind the event under the former key: it
 * counts for the new person, and is sealed anew before that key goes (`settleSeals`).
 */
import {
  FORGET_STAGES,
  type ForgetReceipt,
  type ForgetStage,
} from '../../schemas/api/forgetting.ts';
import { formatTime } from '../../schemas/api/time.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, CrashPoint } from '../../schemas/environment.ts';
import type { Offset, PartitionIndex, SubjectId, UserId } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import type { AppendQueue } from '../edge/append-queue.ts';
import { readableRecord } from '../readable-record.ts';
import { appendForgetRequest, type ForgetRequest } from './forget-records.ts';
import type { Forgetting, ForgottenEvent } from './forgetting.ts';
import { type ForgottenPlace, PERSONAL_TABLES } from './warehouse-forgetting.ts';

export interface Person {
  readonly subject: SubjectId;
  readonly userId: UserId;
  readonly partition: PartitionIndex;
}

/** A request and how far it is. */
export interface UnderWay {
  readonly request: ForgetRequest;
  /** Absent where the key is gone, and with it the name: then only the receipt may be missing. */
  readonly person: Person | undefined;
  receipt: ForgetReceipt;
  /** Of the event, once it is in the log. */
  offset: Offset | undefined;
  /** Whether the event may be in the log although its offset is not known here. */
  mayBeLogged: boolean;
  readonly done: PromiseWithResolvers<ForgetReceipt>;
}

/** One whose person can still be named. */
type Named = UnderWay & { readonly person: Person };

export interface ForgetStepsOptions {
  readonly forgetting: Forgetting;
  readonly log: EventLog;
  /** Of the interactions. */
  readonly queue: AppendQueue;
  readonly clock: Clock;
  readonly crashPoint: CrashPoint;
  /** Told of every change of a receipt. */
  readonly onChange: (underWay: UnderWay) => void;
}

const NO_BYTES = new Uint8Array(0);

export class ForgetSteps {
  readonly #options: ForgetStepsOptions;

  constructor(options: ForgetStepsOptions) {
    this.#options = options;
  }

  /** A request for the person as the keys stand now; nothing is on record yet. */
  async newRequest({ subject, partition }: Person, requestId: string): Promise<ForgetRequest> {
    const { forgetting, clock, log } = this.#options;
    const { keeper } = forgetting;
    const { end } = await log.watermarks(TOPICS.interactions.name, partition);
    const askedAt = clock.now();
    const evidence = await forgetting.evidenceOf(subject);
    const address = keeper.addressOf(subject);
    const person = keeper.seal(address, { key: Buffer.from(subject), value: NO_BYTES });
    return {
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
  }

  /** All of these, each of another person; resolves once they have their receipts. */
  async forgetAll(together: readonly UnderWay[], signal: AbortSignal): Promise<void> {
    const { keeper } = this.#options.forgetting;
    const hasKey = ({ request }: UnderWay): boolean =>
      keeper.keyIn(Buffer.from(request.person, 'base64')) !== undefined;
    const named = together.filter(isNamed).filter(hasKey);
    if (named.length > 0) await this.#takeBack(named, signal);
    signal.throwIfAborted();
    await keeper.destroy(
      together.map(({ request }) => request.address),
      signal,
    );
    this.#options.crashPoint('forget.key-destroyed');
    for (const underWay of together) await this.#finish(underWay);
  }

  /** Into the log, behind whatever was accepted before: up to the submission all is one turn. */
  async logOnce(underWay: UnderWay, signal?: AbortSignal): Promise<void> {
    if (!isNamed(underWay) || underWay.offset !== undefined) return;
    if (underWay.mayBeLogged) underWay.offset = await this.#findEvent(underWay);
    // Whoever has the work by now logs it, and a second event would forget what came in since.
    signal?.throwIfAborted();
    const { queue, clock, forgetting } = this.#options;
    const { request, person } = underWay;
    const { keeper } = forgetting;
    if (underWay.offset === undefined) {
      underWay.mayBeLogged = true;
      const receivedAt = clock.now();
      const { requestId } = request.receipt;
      const value = keeper.seal(request.address, {
        key: Buffer.from(person.subject),
        value: encodeRecord('Forget', { userId: person.userId, requestId, receivedAt }),
      });
      const records: readonly AppendRecord[] = [{ key: null, value, timestamp: receivedAt }];
      const logged = new Promise<Offset>((resolve, reject) => {
        queue.submit(person.partition, { records, onDurable: resolve, onFailed: reject });
      });
      keeper.retire(request.address);
      underWay.offset = await logged;
    } else keeper.retire(request.address);
  }

  async #findEvent({ request, person }: Named): Promise<Offset | undefined> {
    const { log } = this.#options;
    const range = { from: request.from };
    const { name } = TOPICS.interactions;
    for await (const slice of partitionSlices(log, name, person.partition, range)) {
      for (const { value, offset } of slice) {
        const named = readableRecord(value);
        if (named?.name !== 'Forget') continue;
        if (named.record.requestId === request.receipt.requestId) return offset;
      }
    }
    return undefined;
  }

  /** Everything but the keys and the end of the receipts. */
  async #takeBack(together: readonly Named[], signal: AbortSignal): Promise<void> {
    const { forgetting, crashPoint } = this.#options;
    const missedBefore = await forgetting.missedTakingsBack();
    await Promise.all(together.map((underWay) => this.logOnce(underWay, signal)));
    crashPoint('forget.logged');
    const events = together.map(eventOf);
    await forgetting.shared?.announce(events);
    await this.#reach(together, 'logged');
    await forgetting.untilTakenIn();
    await forgetting.settleState(events, signal);
    crashPoint('forget.taken-back');
    for (const { subject } of events) forgetting.letGoOf?.(subject);
    await this.#reach(together, 'taken-back');
    const missed = (await forgetting.missedTakingsBack()) - missedBefore;
    const rows = await this.#deleteRows(events, signal);
    crashPoint('forget.deleted');
    for (const [index, underWay] of together.entries()) {
      await this.#noteDeleted(underWay, { missed, rows: rows?.[index] });
    }
    await forgetting.shared?.settleSeals(events, signal);
  }

  /** Done a second time, it finds less than the first time. */
  async #noteDeleted(
    underWay: Named,
    { missed, rows }: { readonly missed: number; readonly rows: number | undefined },
  ): Promise<void> {
    const { residue, warehouseRows } = underWay.receipt;
    const pruned = `Neighbours of items that had been pruned before: ${missed} at most.`;
    const all = missed > 0 ? [...residue, pruned] : residue;
    await this.tell(underWay, {
      stage: 'deleted',
      problem: null,
      residue: all,
      exact: all.length === 0,
      warehouseRows: rows === undefined ? null : (warehouseRows ?? 0) + rows,
      unsealedLog: await this.#options.forgetting.hasUnsealedRecords(underWay.person.partition),
    });
  }

  async #deleteRows(
    events: readonly ForgottenEvent[],
    signal: AbortSignal,
  ): Promise<readonly number[] | undefined> {
    const { forgetting, log } = this.#options;
    if (forgetting.deleteRows === undefined) return undefined;
    const places = await Promise.all(
      events.map(async ({ subject, partition, offset }): Promise<ForgottenPlace> => {
        const upTo: Record<string, Offset> = {};
        for (const { table, topic } of PERSONAL_TABLES) {
          const isOwnTopic = topic === TOPICS.interactions.name;
          const { end } = await log.watermarks(topic, partition);
          upTo[table] = isOwnTopic ? offset : ((end - 1) as Offset);
        }
        return { subject, partition, upTo };
      }),
    );
    return forgetting.deleteRows(places, signal);
  }

  async #finish(underWay: UnderWay): Promise<void> {
    const { log, clock, crashPoint } = this.#options;
    const now = clock.now();
    const receipt: ForgetReceipt = {
      ...underWay.receipt,
      stage: 'done',
      problem: null,
      finishedAt: formatTime(now),
    };
    await appendForgetRequest(log, { ...underWay.request, receipt }, now);
    crashPoint('forget.receipt-written');
    underWay.receipt = receipt;
    this.#options.onChange(underWay);
    underWay.done.resolve(receipt);
  }

  async #reach(together: readonly UnderWay[], stage: ForgetStage): Promise<void> {
    for (const underWay of together) await this.tell(underWay, { stage, problem: null });
  }

  /** Where others look on, it is on record for them. */
  async tell(underWay: UnderWay, change: Partial<ForgetReceipt>): Promise<void> {
    const { log, clock, forgetting, onChange } = this.#options;
    const { stage, problem } = underWay.receipt;
    underWay.receipt = { ...underWay.receipt, ...change };
    onChange(underWay);
    const { receipt, request } = underWay;
    const isNews = receipt.stage !== stage || receipt.problem !== problem;
    if (forgetting.shared === undefined || !isNews) return;
    await appendForgetRequest(log, { ...request, receipt }, clock.now());
  }
}

/** How many steps are behind a request of this stage. */
export const stepsOf = ({ stage }: ForgetReceipt): number => FORGET_STAGES.indexOf(stage);

const isNamed = (underWay: UnderWay): underWay is Named => underWay.person !== undefined;

const eventOf = ({ person, offset, request }: Named): ForgottenEvent => ({
  subject: person.subject,
  partition: person.partition,
  offset: offset!,
  address: request.address,
});
