/** Why an item is in a list, in words: the parts of its score and the person's own events behind each. */
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import { PARTS, type PartName, type ShownPart } from './options.ts';
import type { CategoryTaste, TasteEvent } from './profile.ts';

export interface Because {
  readonly event: TasteEvent;
  readonly ageMs: number;
}

export interface Reason {
  readonly part: ShownPart;
  readonly share: number;
  readonly text: string;
  readonly because: readonly Because[];
}

/** The events that gave most to a part, the strongest first. What gave nothing is none of them. */
export class StrongestEvents {
  readonly events: TasteEvent[] = [];
  readonly #amounts: number[] = [];
  readonly #max: number;
  /** What an event must give more than to be one of them. */
  #least = 0;

  constructor(max: number) {
    this.#max = max;
    if (max === 0) this.#least = Number.POSITIVE_INFINITY;
  }

  add(event: TasteEvent, amount: number): void {
    if (amount > this.#least) this.#insert(event, amount);
  }

  #insert(event: TasteEvent, amount: number): void {
    const amounts = this.#amounts;
    let place = Math.min(amounts.length, this.#max - 1);
    for (; place > 0 && amounts[place - 1]! < amount; place--) {
      amounts[place] = amounts[place - 1]!;
      this.events[place] = this.events[place - 1]!;
    }
    amounts[place] = amount;
    this.events[place] = event;
    if (amounts.length === this.#max) this.#least = amounts.at(-1)!;
  }
}

export interface ExplanationRequest {
  readonly slot: number;
  /** By the order of PARTS. */
  readonly parts: readonly number[];
  /** Places in PARTS, the strongest part first. */
  readonly told: readonly number[];
  readonly score: number;
  /** Those of the person's events that gave most, by the order of PARTS. */
  readonly events: readonly (StrongestEvents | undefined)[];
  /** Items that the list is about, instead of a person: "more like this". */
  readonly about: readonly number[];
  readonly category: number | undefined;
  readonly taste: CategoryTaste;
  readonly now: EpochMs;
}

const NO_EVENTS: readonly Because[] = [];

/** Places in PARTS of the parts that reasons are given for, the strongest first. */
export const toldParts = (parts: readonly number[], reasonsMax: number): readonly number[] => {
  const told: number[] = [];
  for (let index = 0; index < PARTS.length; index++) if (parts[index]! > 0) told.push(index);
  return told.sort((left, right) => parts[right]! - parts[left]!).slice(0, reasonsMax);
};

/** The strongest first. */
export const reasonsOf = (request: ExplanationRequest, catalogue: Catalogue): Reason[] =>
  request.told.map((index) => {
    const part = PARTS[index]!;
    const because = becauseOf(request, index);
    const text = textOf(part, because, request, catalogue);
    return { part, share: request.parts[index]! / request.score, text, because };
  });

const becauseOf = ({ events, now }: ExplanationRequest, part: number): readonly Because[] =>
  events[part]?.events.map((event) => ({
    event,
    ageMs: Math.max(0, now - event.entry.occurredAt),
  })) ?? NO_EVENTS;

const textOf = (
  part: PartName,
  because: readonly Because[],
  request: ExplanationRequest,
  catalogue: Catalogue,
): string => {
  const event = because[0]?.event;
  const deed = event === undefined ? '' : deedOf(event, catalogue);
  if (request.about.length > 0) return aboutText(part, catalogue.titleOf(request.about[0]!));
  switch (part) {
    case 'embedding':
      return deed === '' ? 'Fits your latest choices' : `Fits your latest choices: you ${deed}`;
    case 'graph':
      return deed === '' ? 'Linked with your choices' : `Linked with your choices: you ${deed}`;
    case 'sequence':
      return deed === '' ? 'Often comes next' : `Often comes next: you ${deed}`;
    case 'habit':
      return deed === '' ? 'Goes with all you chose' : `Goes with all you chose: you ${deed}`;
    case 'taste':
      return deed === '' ? 'To your taste' : `To your taste: you ${deed}`;
    case 'together':
      return deed === '' ? 'People chose it together with yours' : `Because you ${deed}`;
    case 'next':
      return deed === '' ? 'Often chosen next' : `Often chosen next after you ${deed}`;
    case 'people':
      return deed === ''
        ? 'Chosen by people with a similar history'
        : `Chosen by people with a similar history: you ${deed}`;
    case 'content':
      return deed === ''
        ? 'Like what you chose'
        : `Like ${titleOf(event!, catalogue)}: you ${deed}`;
    case 'trending':
      return `Trending${inCategory(request, catalogue)} now`;
    case 'popular':
      return request.category === undefined
        ? 'Popular with everyone'
        : `Popular in ${catalogue.categoryName(request.category)}`;
    case 'latest':
      return 'New in the catalogue';
  }
};

const aboutText = (part: PartName, title: string): string => {
  switch (part) {
    case 'embedding':
      return `Chosen around the same time as ${title}`;
    case 'graph':
      return `Linked with ${title}`;
    case 'sequence':
      return `Often comes next after ${title}`;
    case 'habit':
      return `Goes with ${title}`;
    case 'taste':
      return `For the same taste as ${title}`;
    case 'together':
      return `Chosen together with ${title}`;
    case 'next':
      return `Often chosen next after ${title}`;
    case 'content':
      return `Like ${title}`;
    default:
      return 'Popular with everyone';
  }
};

const inCategory = (
  { category, slot, taste }: ExplanationRequest,
  catalogue: Catalogue,
): string => {
  if (category !== undefined) return ` in ${catalogue.categoryName(category)}`;
  let liked: number | undefined;
  for (const own of catalogue.categoriesOf(slot)) {
    const isBetter = liked === undefined || taste.of(own) > taste.of(liked);
    if (taste.of(own) > 0 && isBetter) liked = own;
  }
  return liked === undefined ? '' : ` in ${catalogue.categoryName(liked)}`;
};

const titleOf = ({ slot }: TasteEvent, catalogue: Catalogue): string => catalogue.titleOf(slot);

const DEEDS: ReadonlyMap<string, string> = new Map([
  ['click', 'opened'],
  ['view', 'looked at'],
  ['watch', 'watched'],
  ['like', 'liked'],
  ['purchase', 'bought'],
]);

/** "rated Heat ★5", "watched Heat"; a site's own kinds by their name. */
const deedOf = (event: TasteEvent, catalogue: Catalogue): string => {
  const { kind, value } = event.entry;
  const title = titleOf(event, catalogue);
  if (kind === 'rating' && value !== null) return `rated ${title} ★${value}`;
  const deed = DEEDS.get(kind);
  return deed === undefined ? `chose ${title} (${kind})` : `${deed} ${title}`;
};
