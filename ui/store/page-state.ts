/** Everything that the page shows, as one immutable value. */
import type { Item } from '../../schemas/api/items.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { LiveDiff } from '../../schemas/api/live.ts';
import type { ConnectionState } from './live-connection.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
}

/** What the last live change of a list was, and how fast it came. */
export interface ListChange {
  readonly cause: LiveDiff['cause'];
  readonly eventToPushMs: number | null;
  /** From the click on this page to the changed list on it; null where somebody else acted. */
  readonly clickToListMs: number | null;
  readonly enteredCount: number;
  readonly movedCount: number;
}

export interface LiveList {
  readonly answer: ListAnswer;
  readonly change: ListChange | null;
  /** Items that came in with the last change: they are highlighted once. */
  readonly entered: ReadonlySet<string>;
  /** Places won (+) or lost (−) with the last change. */
  readonly movedBy: ReadonlyMap<string, number>;
  /** Rises with each change, so that animations start again. */
  readonly revision: number;
}

export interface ActivityEntry {
  readonly key: string;
  readonly who: string;
  readonly kind: string;
  readonly value: number | null;
  readonly itemId: string;
  readonly title: string;
  readonly at: string;
}

export interface SystemSummary {
  readonly eventsPerSecond: number;
  readonly freshnessP50Ms: number | null;
  readonly freshnessP99Ms: number | null;
  readonly lagRecords: number;
  readonly items: number;
  readonly events: number;
  readonly ready: boolean;
}

export interface OpenFilm {
  readonly itemId: string;
  readonly item: Item | null;
  readonly similar: ListAnswer | null;
  readonly next: ListAnswer | null;
}

export interface SearchView {
  readonly text: string;
  readonly results: readonly Item[];
}

export interface Notice {
  readonly text: string;
  readonly undo: (() => void) | null;
}

export interface PageState {
  readonly connection: ConnectionState;
  readonly people: readonly Person[];
  readonly person: Person;
  readonly list: LiveList | null;
  readonly trending: LiveList | null;
  readonly activity: readonly ActivityEntry[];
  readonly system: SystemSummary | null;
  /** The person's own stars, by item. */
  readonly ratings: ReadonlyMap<string, number>;
  readonly film: OpenFilm | null;
  readonly search: SearchView;
  readonly notice: Notice | null;
}
