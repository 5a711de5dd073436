/**
 * A list as JSON, written by hand: the same ten items are asked for tens of thousands of times a
 * second, and the parts that never change (ids and titles) are kept as JSON beside the catalogue.
 * The shape is `ListAnswer` of schemas/api/lists.ts; a test holds every answer against it.
 */
import type { AsOf, Rung } from '../schemas/api/lists.ts';
import { formatTime } from '../schemas/api/time.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import type { Because, Reason } from './explanation.ts';
import { JsonWriter } from './json-writer.ts';
import { SHOWN_PARTS } from './options.ts';
import type { HeldSource, Models, RankedItem } from './recommend.ts';

export interface ListFacts {
  readonly listId: string;
  readonly placement: string | null;
  readonly rung: Rung;
  readonly held: readonly HeldSource[];
  readonly models: Models;
  readonly asOf: AsOf;
  readonly configVersion: number;
  readonly tookMs: number;
  readonly nextCursor: string | null;
}

/** Used again by each answer: one is written within one turn. */
const writer = new JsonWriter();

/** The answer's bytes; a view that holds until the next answer is written. */
export const listBytes = (
  items: readonly RankedItem[],
  facts: ListFacts,
  catalogue: Catalogue,
): Buffer => {
  writer.begin();
  writeList(items, facts, catalogue);
  return writer.written;
};

export const listJson = (
  items: readonly RankedItem[],
  facts: ListFacts,
  catalogue: Catalogue,
): string => textOf(() => writeList(items, facts, catalogue));

export const entryJson = (item: RankedItem, catalogue: Catalogue): string =>
  textOf(() => writeEntry(item, catalogue));

export const partsJson = (parts: readonly number[]): string => textOf(() => writeParts(parts));

export const reasonJson = (reason: Reason, catalogue: Catalogue): string =>
  textOf(() => writeReason(reason, catalogue));

export const asOfJson = (asOf: AsOf): string => textOf(() => writeAsOf(asOf));

export const timeOrNull = (at: EpochMs | null): string | null =>
  at === null ? null : formatTime(at);

export const rounded = (ms: number): number => Math.round(Math.max(0, ms) * 1000) / 1000;

const textOf = (write: () => void): string => {
  writer.begin();
  write();
  return writer.text;
};

const writeList = (items: readonly RankedItem[], facts: ListFacts, catalogue: Catalogue): void => {
  writer.raw('{"listId":');
  writer.quoted(facts.listId);
  writer.raw(',"placement":');
  writer.quotedOrNull(facts.placement);
  writer.raw(',"items":[');
  for (let index = 0; index < items.length; index++) {
    if (index > 0) writer.raw(',');
    writeEntry(items[index]!, catalogue);
  }
  writer.raw('],"rung":');
  writer.quoted(facts.rung);
  if (facts.held.length > 0) writer.raw(`,"held":${JSON.stringify(facts.held)}`);
  writer.raw(',"asOf":');
  writeAsOf(facts.asOf);
  writer.raw(`,"models":${JSON.stringify(facts.models)},"configVersion":${facts.configVersion}`);
  writer.raw(',"tookMs":');
  writer.number(rounded(facts.tookMs));
  writer.raw(',"nextCursor":');
  writer.quotedOrNull(facts.nextCursor);
  writer.raw('}');
};

const writeEntry = (item: RankedItem, catalogue: Catalogue): void => {
  writer.raw('{');
  writer.raw(catalogue.jsonHead(item.slot));
  writer.raw(',"rank":');
  writer.number(item.rank);
  if (item.scoreRank !== item.rank) {
    writer.raw(',"scoreRank":');
    writer.number(item.scoreRank);
  }
  writer.raw(',"score":');
  writer.number(item.score);
  writer.raw(',"parts":');
  writeParts(item.parts);
  writer.raw(',"reasons":[');
  for (let index = 0; index < item.reasons.length; index++) {
    if (index > 0) writer.raw(',');
    writeReason(item.reasons[index]!, catalogue);
  }
  writer.raw(']}');
};

const PART_HEADS: readonly string[] = SHOWN_PARTS.map((part) => `"${part}":`);

/** In the order in which they are summed; parts of nothing are left out, which changes no bit. */
const writeParts = (parts: readonly number[]): void => {
  let isFirst = true;
  writer.raw('{');
  for (let index = 0; index < parts.length; index++) {
    const value = parts[index]!;
    if (value === 0) continue;
    if (!isFirst) writer.raw(',');
    isFirst = false;
    writer.raw(PART_HEADS[index]!);
    writer.number(value);
  }
  writer.raw('}');
};

const writeReason = (reason: Reason, catalogue: Catalogue): void => {
  writer.raw('{"part":');
  writer.quoted(reason.part);
  writer.raw(',"share":');
  writer.number(Math.round(reason.share * 10_000) / 10_000);
  writer.raw(',"text":');
  writer.quoted(reason.text);
  writer.raw(',"because":[');
  for (let index = 0; index < reason.because.length; index++) {
    if (index > 0) writer.raw(',');
    writeBecause(reason.because[index]!, catalogue);
  }
  writer.raw(']}');
};

const writeBecause = ({ event, ageMs }: Because, catalogue: Catalogue): void => {
  writer.raw('{"eventId":');
  writer.quoted(event.entry.eventId);
  writer.raw(',');
  writer.raw(catalogue.jsonHead(event.slot));
  writer.raw(',"kind":');
  writer.quoted(event.entry.kind);
  writer.raw(',"ageMs":');
  writer.number(Math.round(ageMs));
  writer.raw('}');
};

const writeAsOf = (asOf: AsOf): void => {
  writer.raw('{"eventTime":');
  writer.quotedOrNull(asOf.eventTime);
  writer.raw(`,"partition":${asOf.partition},"offset":${asOf.offset},"itemTime":`);
  writer.quotedOrNull(asOf.itemTime);
  writer.raw(`,"freshnessMs":${asOf.freshnessMs}`);
  writer.raw(asOf.stale === true ? ',"stale":true}' : '}');
};
