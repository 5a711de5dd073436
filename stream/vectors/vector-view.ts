/**
 * The vectors of people whose state changes, renewed with every event and kept beside the state (I7):
 * each is a pure function of the state at its offset and of the release in use, so nothing is lost when
 * it is dropped, and replay need not know which release was in use when. What it is solved from is
 * what lists take, so that a list would solve the same bits.
 */
import type { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { personEventsOf, UNKNOWN_ITEM } from '../../algorithms/factors/person-events.ts';
import { earlierValuesOf, tasteWeights } from '../../algorithms/histories/taste-weights.ts';
import type { OwnMeanPrior } from '../../algorithms/popularity/own-mean.ts';
import type { SubjectId } from '../../schemas/ids.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import { encodeVector, vectorKey } from '../../schemas/state/vector-state.ts';
import type { StateChange } from '../../storage/state-store/state-store.ts';

/** The model that vectors are solved with. */
export interface VectorModel {
  readonly release: string;
  readonly foldIn: FoldIn;
  /** The model's number of an item; undefined where it does not know it. */
  itemOf(itemId: string): number | undefined;
}

export interface VectorViewOptions {
  /** Asked at each change: another release may be in use by then. */
  readonly model: () => VectorModel | undefined;
  readonly kinds: KindTable;
  readonly ownMeanPrior: OwnMeanPrior;
  readonly limits: { readonly positives: number; readonly negatives: number };
}

const SUBJECT_PREFIX = 'subject:';

export class VectorView {
  readonly #options: VectorViewOptions;
  #solved = 0;

  constructor(options: VectorViewOptions) {
    this.#options = options;
  }

  get solvedCount(): number {
    return this.#solved;
  }

  /** Of each changed subject the vector; of one that is gone, its end. */
  changesFor(subjects: readonly StateChange[]): StateChange[] {
    const model = this.#options.model();
    const changes: StateChange[] = [];
    for (const { key, value } of subjects) {
      const id = key.slice(SUBJECT_PREFIX.length) as SubjectId;
      if (value === undefined) changes.push({ key: vectorKey(id), value: undefined });
      else if (model) changes.push({ key: vectorKey(id), value: this.#valueOf(value, model) });
    }
    return changes;
  }

  #valueOf(value: Uint8Array, model: VectorModel): Uint8Array | undefined {
    const state = decodeSubjectState(value);
    const vector = this.vectorOf(state, model);
    if (vector === undefined) return undefined;
    this.#solved += 1;
    return encodeVector({ release: model.release, offset: state.lastOffset, vector });
  }

  /** undefined where nothing that the person is for is known to the model. */
  vectorOf(state: SubjectState, { foldIn, itemOf }: VectorModel): Float32Array | undefined {
    const { history, ownValueSumThousandths: sumThousandths, ownValueCount: count } = state;
    const { kinds, ownMeanPrior: prior, limits } = this.#options;
    const earlier = earlierValuesOf(history, { sumThousandths, count }, kinds);
    const weights = tasteWeights(history, earlier, { kinds, prior });
    const places = new Map<string, number>();
    const placeOf = (itemId: string): number => {
      const place = places.get(itemId) ?? places.size;
      places.set(itemId, place);
      return place;
    };
    const events = personEventsOf(
      {
        places: history.map(({ itemId }) => placeOf(itemId)),
        items: history.map(({ itemId }) => itemOf(itemId) ?? UNKNOWN_ITEM),
        weights,
      },
      limits,
    );
    if (events.positiveCount === 0) return undefined;
    const vector = new Float32Array(foldIn.dimensions);
    foldIn.solve(events, vector);
    return vector;
  }
}
