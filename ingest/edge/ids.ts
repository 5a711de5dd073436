/**
 * What an id may be: 1 to 128 characters of Unicode, none of them a control character. Everything
 * else (`__proto__`, `../x`, emoji) is an ordinary id. A lone half of a surrogate pair is no
 * character: in UTF-8 all of them would become the same one, and two ids would be mixed up.
 */
import { FreshetError } from '../../schemas/errors.ts';

export const ID_CHARACTERS_MAX = 128;
const SHOWN_CHARACTERS_MAX = 40;

/** In UTF-16 units; a character outside the basic plane takes two. */
export const isId = (text: string): boolean => {
  const { length } = text;
  if (length === 0 || length > 2 * ID_CHARACTERS_MAX) return false;
  let pairs = 0;
  for (let at = 0; at < length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return false;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = at + 1 < length ? text.charCodeAt(at + 1) : 0;
    if (unit > 0xdbff || next < 0xdc00 || next > 0xdfff) return false;
    pairs += 1;
    at += 1;
  }
  return length - pairs <= ID_CHARACTERS_MAX;
};

export const badId = (field: string, text: string): FreshetError =>
  new FreshetError('bad_id', { field, got: shownText(text) });

/** A text as a message can show it: quoted, with escapes, cut. */
export const shownText = (text: string): string => {
  const characters = [...text.slice(0, 2 * SHOWN_CHARACTERS_MAX + 2)];
  if (characters.length <= SHOWN_CHARACTERS_MAX) return JSON.stringify(text);
  const start = JSON.stringify(characters.slice(0, SHOWN_CHARACTERS_MAX).join(''));
  return `${start}… (${text.length} characters)`;
};
