/** Everything that the page shows, as one immutable value. */
import type { ExplanationAnswer } from '../../schemas/api/explanations.ts';
import type { Item } from '../../schemas/api/items.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { LiveDiff } from '../../schemas/api/live.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import type { ConnectionState } from './live-connection.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
}

/** What the last live change of a person's list was, and how fast it came. */
export interface ListChange {
  readonly cause: LiveDiff['cause'];
  /** In the server: from the event's arrival until the change was sent. */
  readonly eventToPushMs: number | null;
  /** From the click on this page to the changed list on it; null where it was not clicked here. */
  readonly clickToListMs: number | null;
  readonly enteredCount: number;
  readonly movedCount: number;
}

/** Whose doing it was that an item rose in a list that everyone shares. */
export interface Rise {
  readonly itemId: string;
  readonly title: string;
  readonly act: ActivityEntry;
}

export interface LiveList {
  readonly answer: ListAnswer;
  readonly change: ListChange | null;
  readonly rise: Rise | null;
  /** Items that came in with the last change: they are highlighted once. */
  readonly entered: ReadonlySet<string>;
  /** Places won (+) or lost (−) with the last change. */
  readonly movedBy: ReadonlyMap<string, number>;
  /** Rises with each change that is shown, so that animations start again. */
  readonly revision: number;
}

export interface ActivityEntry {
  readonly key: string;
  readonly who: Person | null;
  readonly kind: string;
  readonly value: number | null;
  readonly itemId: string;
  readonly title: string;
}

export interface SystemView {
  readonly answer: SystemAnswer;
  readonly eventsPerSecond: number;
  readonly events: number;
  readonly lagRecords: number;
  /** Without those that proposed nothing yet, such as a model that is not trained. */
  readonly sourcesTried: SystemAnswer['quality']['sources'];
}

export interface OpenFilm {
  readonly itemId: string;
  readonly item: Item | null;
  readonly similar: ListAnswer | null;
  readonly next: ListAnswer | null;
  /** That the person would give it; null where nobody can tell. */
  readonly stars: ExplanationAnswer['stars'];
}

export interface SearchView {
  readonly text: string;
  /** Null where nothing is asked for, while the first answer is on its way, and where none came. */
  readonly results: readonly Item[] | null;
  readonly hasFailed: boolean;
}

export interface Notice {
  readonly text: string;
  readonly isError: boolean;
  readonly undo: { readonly itemId: string; readonly eventId: string } | null;
}

export interface PageState {
  readonly connection: ConnectionState;
  /** People made on this page. */
  readonly own: readonly Person[];
  /** People seen acting of late, the newest first: one can look through their eyes. */
  readonly others: readonly Person[];
  readonly person: Person;
  readonly list: LiveList | null;
  readonly trending: LiveList | null;
  readonly activity: readonly ActivityEntry[];
  readonly system: SystemView | null;
  /** The person's own stars, by item. */
  readonly ratings: ReadonlyMap<string, number>;
  readonly film: OpenFilm | null;
  readonly search: SearchView;
  readonly notice: Notice | null;
}

export const initialState = (own: readonly Person[], person: Person): PageState => ({
  connection: 'connecting',
  own,
  others: [],
  person,
  list: null,
  trending: null,
  activity: [],
  system: null,
  ratings: new Map(),
  film: null,
  search: { text: '', results: null, hasFailed: false },
  notice: null,
});
