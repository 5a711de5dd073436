/**
 * One subscription of one socket to a list: numbers its messages, remembers the last lists that it
 * sent (shared with all others that watch the list), and while the socket is full sends nothing and
 * later one diff from what was last sent to what is now.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { Catalogue } from '../catalogue.ts';
import { asOfJson, entryJson, listJson } from '../list-answer.ts';
import { isNothing, type ListDifference, listDifference } from './list-difference.ts';
import type { Cause, ListWatcher, LiveList, Shown } from './live-list.ts';

interface Sent {
  readonly seq: number;
  readonly shown: Shown;
}

export interface SubscriptionParts {
  readonly id: string;
  readonly list: LiveList;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly sentKept: number;
}

/** Where a subscription's messages go. */
export interface Outlet {
  readonly isFull: boolean;
  /** A diff was merged into a later one. */
  noteCoalesced(): void;
  send(message: string): void;
}

export class LiveSubscription implements ListWatcher {
  readonly id: string;
  readonly list: LiveList;
  readonly #given: SubscriptionParts;
  readonly #sent: Sent[];
  #outlet: Outlet | undefined;
  #waiting: { readonly shown: Shown; readonly cause: Cause | null } | undefined;
  #seq: number;

  constructor(given: SubscriptionParts, firstSeq: number, sent: readonly Sent[] = []) {
    this.#given = given;
    this.id = given.id;
    this.list = given.list;
    this.#seq = firstSeq;
    this.#sent = [...sent];
  }

  get seq(): number {
    return this.#seq;
  }

  /** Begins with the whole list. */
  async begin(outlet: Outlet): Promise<void> {
    await this.list.watch(this);
    const shown = this.list.shown!;
    this.#outlet = outlet;
    const list = listJson(shown.items, shown.facts, this.#given.catalogue);
    outlet.send(
      `{"type":"snapshot","id":${JSON.stringify(this.id)},"seq":${this.#seq},"list":${list}}`,
    );
    this.#remember(shown);
    this.flush();
  }

  /** Goes on after the last of the messages that it was made with. */
  async goOn(outlet: Outlet): Promise<void> {
    await this.list.watch(this);
    this.#outlet = outlet;
    this.#offer(this.list.shown!, null, false);
  }

  end(): void {
    this.list.unwatch(this);
    this.#outlet = undefined;
  }

  /** What a resumed subscription needs to go on after `seq`; undefined where it is forgotten. */
  after(seq: number): readonly Sent[] | undefined {
    const place = this.#sent.findIndex((sent) => sent.seq === seq);
    return place < 0 ? undefined : this.#sent.slice(0, place + 1);
  }

  show(shown: Shown, cause: Cause | null, isOwn: boolean): void {
    this.#offer(shown, cause, isOwn);
  }

  keepNewest(): void {
    this.#sent.splice(0, this.#sent.length - 1);
  }

  /** Sends what waited for the client to read. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#outlet === undefined || this.#outlet.isFull) return;
    this.#waiting = undefined;
    this.#send(waiting.shown, waiting.cause, waiting.cause !== null);
  }

  #offer(shown: Shown, cause: Cause | null, isOwn: boolean): void {
    // Until the snapshot is sent there is nothing to differ from; it will be of this state or later.
    if (this.#outlet === undefined) return;
    if (this.#outlet.isFull) {
      if (this.#waiting !== undefined) this.#outlet.noteCoalesced();
      this.#waiting = { shown, cause: cause ?? this.#waiting?.cause ?? null };
      return;
    }
    this.#send(shown, cause, isOwn);
  }

  #send(shown: Shown, cause: Cause | null, isOwn: boolean): void {
    const before = this.#sent.at(-1);
    if (before === undefined || before.shown === shown) return;
    const difference = listDifference(before.shown.items, shown.items);
    if (isNothing(difference) && !isOwn) return;
    this.#seq++;
    this.#outlet!.send(this.#diffJson(difference, shown, cause));
    this.#remember(shown);
  }

  #remember(shown: Shown): void {
    this.#sent.push({ seq: this.#seq, shown });
    if (this.#sent.length > this.#given.sentKept) this.#sent.shift();
  }

  #diffJson(difference: ListDifference, shown: Shown, cause: Cause | null): string {
    const { catalogue } = this.#given;
    const idOf = (slot: number): string => JSON.stringify(catalogue.slots.idOf(slot) ?? '');
    const moved = difference.moved
      .map(({ slot, from, to }) => `{"itemId":${idOf(slot)},"from":${from},"to":${to}}`)
      .join();
    const entries = (items: ListDifference['entered']): string =>
      items.map((item) => entryJson(item, catalogue)).join();
    return (
      `{"type":"diff","id":${JSON.stringify(this.id)},"seq":${this.#seq},"moved":[${moved}],` +
      `"entered":[${entries(difference.entered)}],"left":[${difference.left.map(idOf).join()}],` +
      `"changed":[${entries(difference.changed)}],"cause":${this.#causeJson(cause)},` +
      `"asOf":${asOfJson(shown.facts.asOf)},"rung":"${shown.facts.rung}",` +
      `"models":${JSON.stringify(shown.facts.models)},` +
      `"eventToPushMs":${this.#eventToPushMs(cause)}}`
    );
  }

  #causeJson(cause: Cause | null): string {
    if (cause === null) return 'null';
    const { eventId, itemId, kind } = cause.entry;
    const title = this.#given.catalogue.titleOfId(itemId);
    return JSON.stringify({ eventId, itemId, title, kind });
  }

  #eventToPushMs(cause: Cause | null): number | null {
    if (cause?.receivedAt === undefined) return null;
    return Math.max(0, this.#given.clock.now() - cause.receivedAt);
  }
}
