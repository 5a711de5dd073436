/**
 * Reads what people did from the warehouse, as a stream in the order of its sorting key: person by
 * person, each oldest first. It reads up to a position per partition that it asks for first and that
 * the release will name, so what arrives meanwhile belongs to the next training.
 *
 * Whoever is read is a number here: no id of a person leaves this file.
 *
 * Rules by which a history larger than its limits is cut, all counted:
 * of one person the newest `eventsPerPersonMax` stay; of all, those newer than a moment before which
 * the surplus lies, estimated by a digest and moved to the start of its day (so that the same history
 * gives the same cut); of items those with most events. What an undo took back was never there.
 */
import {
  type Deed,
  NO_EARLIER_VALUES,
  type TasteOptions,
  tasteStrengths,
} from '../../algorithms/histories/taste-weights.ts';
import type { ItemId, PartitionIndex } from '../../schemas/ids.ts';
import { NO_OFFSET } from '../../schemas/ids.ts';
import type { FeedbackKind } from '../../schemas/kinds.ts';
import type { TrainedPosition } from '../../schemas/release.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Row, StatementParameters, Warehouse } from '../../storage/warehouse/warehouse.ts';
import type { TrainingLimits } from '../options.ts';
import { type EventColumns, GrowingColumns } from './growing-columns.ts';

export interface ReadHistory {
  /** Item i is the i-th. */
  readonly itemIds: readonly ItemId[];
  readonly personCount: number;
  /** Person p has the rows from starts[p] up to starts[p + 1], oldest first. */
  readonly starts: Uint32Array;
  readonly events: EventColumns;
  readonly positions: readonly TrainedPosition[];
  readonly eventsCut: number;
}

export interface HistoryQuestion {
  readonly warehouse: Warehouse;
  readonly userPartitions: number;
  readonly kinds: readonly FeedbackKind[];
  readonly ownMeanPrior: TasteOptions['prior'];
  readonly limits: TrainingLimits;
  /** Items of the release in use: they keep their numbers. */
  readonly formerItems: readonly ItemId[];
  readonly signal?: AbortSignal;
  /** Events read so far, and of how many. */
  readonly onProgress?: (read: number, total: number) => void;
}

const TABLE = WAREHOUSE_TABLES.interactions.name;
const TOPIC = TOPICS.interactions.name;

/** Rows up to the positions that were asked for, less what was taken back. */
const OF_THE_SNAPSHOT = `
  FROM interactions FINAL
  WHERE topic = {topic:String}
    AND offset <= {ends:Array(Int64)}[partition + 1]
    AND occurredAt >= fromUnixTimestamp64Milli({since:Int64})`;
const NOT_TAKEN_BACK = `
    AND kind != 'undo'
    AND (subject, eventId) NOT IN (
      SELECT subject, assumeNotNull(undoes) ${OF_THE_SNAPSHOT} AND kind = 'undo' AND undoes IS NOT NULL
    )`;

const COUNT = { name: 'count the history', sql: `SELECT count() AS events ${OF_THE_SNAPSHOT}` };
const CUT = {
  name: 'find where the history is cut',
  sql: `SELECT toFloat64(quantileTDigest({share:Float64})(toUnixTimestamp64Milli(occurredAt))) AS at
    ${OF_THE_SNAPSHOT}`,
};
const READ = {
  name: 'read the history',
  sql: `SELECT subject, itemId, kind, value, toFloat64(toUnixTimestamp64Milli(occurredAt)) AS at
    ${OF_THE_SNAPSHOT} ${NOT_TAKEN_BACK}
    ORDER BY subject, interactions.occurredAt, topic, partition, offset`,
};

const DAY_MS = 86_400_000;
/** Before every event there can be: 1900, where the table's times begin. */
const SINCE_EVER = Date.UTC(1900, 0, 1);

export const readHistory = async (question: HistoryQuestion): Promise<ReadHistory> => {
  const { warehouse, limits, signal } = question;
  const positions = await positionsOf(question);
  const parameters = parametersOf(positions);
  const total = await numberFrom(question, COUNT, 'events', parameters);
  const since = await sinceWhen(question, parameters, total);
  const collector = new HistoryCollector(question);
  let read = 0;
  for await (const rows of warehouse.stream(READ, { ...parameters, since }, signal)) {
    for (const row of rows) collector.take(row);
    read += rows.length;
    question.onProgress?.(read, Math.min(total, limits.eventsMax));
  }
  const history = collector.finish();
  return { ...history, positions, eventsCut: Math.max(0, total - history.events.items.length) };
};

const positionsOf = async ({
  warehouse,
  userPartitions,
}: HistoryQuestion): Promise<readonly TrainedPosition[]> =>
  Promise.all(
    Array.from({ length: userPartitions }, async (_, index) => {
      const partition = index as PartitionIndex;
      const offset = await warehouse.coveredOffset({ table: TABLE, topic: TOPIC, partition });
      return { topic: TOPIC, partition, offset };
    }),
  );

const parametersOf = (positions: readonly TrainedPosition[]): StatementParameters => ({
  topic: TOPIC,
  ends: positions.map(({ offset }) => (offset === NO_OFFSET ? -1 : offset)),
  since: SINCE_EVER,
});

const numberFrom = async (
  { warehouse, signal }: HistoryQuestion,
  statement: { readonly name: string; readonly sql: string },
  column: string,
  parameters: StatementParameters,
): Promise<number> => {
  const [row] = await warehouse.query(statement, parameters, signal);
  return Number(row?.[column] ?? 0);
};

const sinceWhen = async (
  question: HistoryQuestion,
  parameters: StatementParameters,
  total: number,
): Promise<number> => {
  const { eventsMax } = question.limits;
  if (total <= eventsMax) return SINCE_EVER;
  const share = 1 - eventsMax / total;
  const at = await numberFrom(question, CUT, 'at', { ...parameters, share });
  return Math.ceil(at / DAY_MS) * DAY_MS;
};

interface PersonRow extends Deed {
  readonly item: number;
}

/** Takes rows in the order of people and time, and numbers people and items. */
class HistoryCollector {
  readonly #columns = new GrowingColumns();
  readonly #ends: number[] = [0];
  readonly #taste: TasteOptions;
  readonly #kindPlaces: ReadonlyMap<string, number>;
  readonly #limits: TrainingLimits;
  readonly #formerItems: readonly ItemId[];
  readonly #itemPlaces = new Map<string, number>();
  #subject: unknown;
  #person: PersonRow[] = [];

  constructor({ kinds, ownMeanPrior, limits, formerItems }: HistoryQuestion) {
    this.#taste = { kinds: new Map(kinds.map((kind) => [kind.name, kind])), prior: ownMeanPrior };
    this.#kindPlaces = new Map(kinds.map(({ name }, index) => [name, index]));
    this.#limits = limits;
    this.#formerItems = formerItems;
    for (const id of formerItems) this.#placeOf(id);
  }

  take({ subject, itemId, kind, value, at }: Row): void {
    if (subject !== this.#subject) {
      this.#endPerson();
      this.#subject = subject;
    }
    this.#person.push({
      item: this.#placeOf(itemId as string),
      kind: kind as string,
      value: value as number | null,
      occurredAt: at as number,
    });
  }

  finish(): Omit<ReadHistory, 'positions' | 'eventsCut'> {
    this.#endPerson();
    const starts = Uint32Array.from(this.#ends);
    const ids = [...this.#itemPlaces.keys()] as ItemId[];
    const kept = withoutRareItems(
      { itemIds: ids, starts, events: this.#columns.filled() },
      { itemsMax: this.#limits.itemsMax, formerCount: this.#formerItems.length },
    );
    return { ...kept, personCount: kept.starts.length - 1 };
  }

  #placeOf(id: string): number {
    const known = this.#itemPlaces.get(id);
    if (known !== undefined) return known;
    const place = this.#itemPlaces.size;
    this.#itemPlaces.set(id, place);
    return place;
  }

  #endPerson(): void {
    const rows = this.#person.slice(-this.#limits.eventsPerPersonMax);
    this.#person = [];
    const before = this.#columns.length;
    const strengths = tasteStrengths(rows, NO_EARLIER_VALUES, this.#taste);
    rows.forEach(({ item, kind, value, occurredAt }, index) => {
      const strength = strengths[index]!;
      if (strength === 0) return;
      const place = this.#kindPlaces.get(kind)!;
      this.#columns.push({ item, strength, kind: place, value, time: occurredAt });
    });
    if (this.#columns.length > before) this.#ends.push(this.#columns.length);
  }
}

interface Indexed {
  readonly itemIds: readonly ItemId[];
  readonly starts: Uint32Array;
  readonly events: EventColumns;
}

/**
 * Items of the former release keep their numbers, whatever they count; of the others those with
 * most events fill what the limit leaves. Events of items without a number go.
 */
const withoutRareItems = (
  { itemIds, starts, events }: Indexed,
  { itemsMax, formerCount }: { readonly itemsMax: number; readonly formerCount: number },
): Indexed => {
  if (itemIds.length <= itemsMax) return { itemIds, starts, events };
  const counts = new Float64Array(itemIds.length);
  for (const item of events.items) counts[item]! += 1;
  const fresh = Array.from({ length: itemIds.length - formerCount }, (_, k) => formerCount + k)
    .sort((one, other) => counts[other]! - counts[one]! || one - other)
    .slice(0, Math.max(0, itemsMax - formerCount))
    .sort((one, other) => one - other);
  const kept = [...Array(formerCount).keys(), ...fresh];
  const places = new Int32Array(itemIds.length).fill(-1);
  kept.forEach((item, place) => {
    places[item] = place;
  });
  const rows = new GrowingColumns();
  const ends = [0];
  for (let person = 0; person + 1 < starts.length; person++) {
    for (let row = starts[person]!; row < starts[person + 1]!; row++) {
      const item = places[events.items[row]!]!;
      if (item < 0) continue;
      rows.push({
        item,
        strength: events.strengths[row]!,
        kind: events.kinds[row]!,
        value: events.values[row]!,
        time: events.times[row]!,
      });
    }
    if (rows.length > ends.at(-1)!) ends.push(rows.length);
  }
  return {
    itemIds: kept.map((item) => itemIds[item]!),
    starts: Uint32Array.from(ends),
    events: rows.filled(),
  };
};
