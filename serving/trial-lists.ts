/**
 * Lists for looking at, not for showing: what each source would have put first for a person just
 * before they chose something, and how far the lists of the models and of what is counted agree.
 */
import { ownMean } from '../algorithms/popularity/own-mean.ts';
import type { FeedbackKind, KindTable } from '../schemas/kinds.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import type { SubjectState } from '../schemas/state/subject-state.ts';
import type { Catalogue } from './catalogue.ts';
import { type ListQuestion, questionOf } from './list-query.ts';
import type { ListService } from './list-service.ts';
import { type LadderOptions, PARTS, type PartName } from './options.ts';
import { MODEL_PARTS } from './release/serving-release.ts';
import type { Subject, SubjectReader } from './subject-reader.ts';

export interface ListsBefore {
  /** The first items by the name of the part, and `blend` for all of them together. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
  /** What was chosen. */
  readonly target: number;
  readonly subject: Subject;
}

export interface TrialListParts {
  readonly lists: ListService;
  readonly subjects: SubjectReader;
  readonly catalogue: Catalogue;
  readonly kinds: KindTable;
  readonly ladder: LadderOptions;
}

export const BLEND = 'blend';
export const TRIED_SOURCES: readonly string[] = [BLEND, ...PARTS];

/** What the stream counts, person by person. */
const COUNTED: readonly PartName[] = ['together', 'next'];
const SHOWN = 10;
const COMPARED = 20;

export class TrialLists {
  readonly #given: TrialListParts;

  constructor(given: TrialListParts) {
    this.#given = given;
  }

  /**
   * undefined where the event says nothing of lists: it is against something, of a person without a
   * history, about an item that they had met or that lists do not know, or it counts already.
   */
  async before(event: InteractionRecord): Promise<ListsBefore | undefined> {
    const { subjects, catalogue, lists } = this.#given;
    const kind = this.#given.kinds.get(event.kind);
    const target = catalogue.slots.find(event.itemId);
    if (kind === undefined || target === undefined) return undefined;
    const subject =
      event.userId === null ? subjects.ofSession(event.sessionId!) : subjects.ofUser(event.userId);
    const state = await subjects.read(subject);
    if (state === undefined || state.history.length === 0) return undefined;
    if (state.history.some(({ itemId }) => itemId === event.itemId)) return undefined;
    if (!this.#isFor(kind, event.value, state)) return undefined;
    const question = this.#question(subject, SHOWN);
    const found = new Map<string, readonly number[]>();
    found.set(BLEND, lists.slotsFor(subject, state, question));
    for (const part of PARTS) found.set(part, lists.slotsFor(subject, state, question, [part]));
    return { lists: found, target, subject };
  }

  /** The first twenty by the models and by what is counted; undefined where one of them is silent. */
  async bothSides(
    subject: Subject,
  ): Promise<
    { readonly models: readonly number[]; readonly counted: readonly number[] } | undefined
  > {
    const { subjects, lists } = this.#given;
    const state = await subjects.read(subject);
    if (state === undefined) return undefined;
    const question = this.#question(subject, COMPARED);
    const models = lists.slotsFor(subject, state, question, MODEL_PARTS);
    const counted = lists.slotsFor(subject, state, question, COUNTED);
    return models.length === 0 || counted.length === 0 ? undefined : { models, counted };
  }

  #question(subject: Subject, limit: number): ListQuestion {
    const { catalogue } = this.#given;
    return questionOf(subject.id, { limit, explain: false }, { catalogue, diversity: 0 });
  }

  #isFor(
    kind: FeedbackKind,
    value: number | null,
    { ownValueSumThousandths, ownValueCount }: SubjectState,
  ): boolean {
    if (kind.polarity !== 'by-own-mean') return kind.polarity === 'positive';
    const { ownMeanPrior, ownMeanPriorStrength } = this.#given.ladder;
    const prior = { mean: ownMeanPrior, strength: ownMeanPriorStrength };
    return value !== null && value >= ownMean(ownValueSumThousandths, ownValueCount, prior);
  }
}
