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

export const listJson = (
  items: readonly RankedItem[],
  facts: ListFacts,
  catalogue: Catalogue,
): string => {
  let entries = '';
  for (let index = 0; index < items.length; index++) {
    entries += (index === 0 ? '' : ',') + entryJson(items[index]!, catalogue);
  }
  const held = facts.held.length === 0 ? '' : `"held":${JSON.stringify(facts.held)},`;
  return (
    `{"listId":"${facts.listId}","placement":${textOrNull(facts.placement)},` +
    `"items":[${entries}],"rung":"${facts.rung}",${held}"asOf":${asOfJson(facts.asOf)},` +
    `"models":${JSON.stringify(facts.models)},"configVersion":${facts.configVersion},` +
    `"tookMs":${rounded(facts.tookMs)},"nextCursor":${textOrNull(facts.nextCursor)}}`
  );
};

export const entryJson = (item: RankedItem, catalogue: Catalogue): string => {
  const moved = item.scoreRank === item.rank ? '' : `,"scoreRank":${item.scoreRank}`;
  let reasons = '';
  for (let index = 0; index < item.reasons.length; index++) {
    reasons += (index === 0 ? '' : ',') + reasonJson(item.reasons[index]!, catalogue);
  }
  return (
    `{${catalogue.jsonHead(item.slot)},"rank":${item.rank}${moved},"score":${item.score},` +
    `"parts":${partsJson(item.parts)},"reasons":[${reasons}]}`
  );
};

/** In the order in which they are summed; parts of nothing are left out, which changes no bit. */
export const partsJson = (parts: readonly number[]): string => {
  let text = '';
  for (let index = 0; index < parts.length; index++) {
    const value = parts[index]!;
    if (value !== 0) text += `${text === '' ? '' : ','}"${SHOWN_PARTS[index]}":${value}`;
  }
  return `{${text}}`;
};

export const reasonJson = (reason: Reason, catalogue: Catalogue): string => {
  let because = '';
  for (let index = 0; index < reason.because.length; index++) {
    because += (index === 0 ? '' : ',') + becauseJson(reason.because[index]!, catalogue);
  }
  return (
    `{"part":"${reason.part}","share":${Math.round(reason.share * 10_000) / 10_000},` +
    `"text":${JSON.stringify(reason.text)},"because":[${because}]}`
  );
};

const becauseJson = ({ event, ageMs }: Because, catalogue: Catalogue): string =>
  `{"eventId":${JSON.stringify(event.entry.eventId)},${catalogue.jsonHead(event.slot)},` +
  `"kind":${JSON.stringify(event.entry.kind)},"ageMs":${Math.round(ageMs)}}`;

export const asOfJson = (asOf: AsOf): string =>
  `{"eventTime":${textOrNull(asOf.eventTime)},"partition":${asOf.partition},` +
  `"offset":${asOf.offset},"itemTime":${textOrNull(asOf.itemTime)},` +
  `"freshnessMs":${asOf.freshnessMs}}`;

export const timeOrNull = (at: EpochMs | null): string | null =>
  at === null ? null : formatTime(at);

const textOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text));

export const rounded = (ms: number): number => Math.round(Math.max(0, ms) * 1000) / 1000;
