/**
 * Items out of data sets, brought within the limits that items of the API have: what is too long is
 * cut or left out, control characters go, empty and double names go. Said in the report.
 */
import { isId } from '../edge/ids.ts';
import type { ImportedItem } from './dataset.ts';
import type { ProblemLog } from './problem-log.ts';

const TITLE_MAX = 512;
const NAME_MAX = 256;
const NAMES_MAX = 200;
const ATTRIBUTE_MAX = 1024;

/** Undefined where it cannot be an item at all. */
export const cleanItem = (item: ImportedItem, problems: ProblemLog): ImportedItem | undefined => {
  const title = cleanText(item.title, TITLE_MAX);
  if (!isId(item.itemId)) {
    problems.broken('an item whose id cannot be one', 'items', item.itemId);
    return undefined;
  }
  if (title === '')
    problems.cleaned('an item without a title, called by its id', 'items', item.itemId);
  return {
    ...item,
    title: title === '' ? item.itemId : title,
    categories: cleanNames(item.categories),
    tags: cleanNames(item.tags),
    people: cleanNames(item.people),
    attributes: Object.fromEntries(
      Object.entries(item.attributes).map(([name, value]) => [
        name,
        typeof value === 'string' ? cleanText(value, ATTRIBUTE_MAX) : value,
      ]),
    ),
  };
};

const cleanNames = (names: readonly string[]): readonly string[] => {
  const cleaned = names.map((name) => cleanText(name, NAME_MAX)).filter((name) => name !== '');
  return [...new Set(cleaned)].slice(0, NAMES_MAX);
};

const cleanText = (text: string, lengthMax: number): string => {
  const plain = text.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
  return plain.length <= lengthMax ? plain : [...plain].slice(0, lengthMax).join('');
};
