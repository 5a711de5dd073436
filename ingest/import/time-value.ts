/**
 * Times as files have them: RFC 3339, `2026-01-31 18:30:00`, `2026-01-31` (both taken for UTC), or a
 * number since 1970 whose unit shows in its size: seconds, milliseconds or microseconds. NaN for
 * anything else.
 */
import { parseTime } from '../../schemas/api/time.ts';

const DATE_TIME = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?$/;
const NUMBER = /^\d+(\.\d+)?$/;
/** Seconds below this reach to the year 5138, milliseconds from it on begin in 1973. */
const MILLISECONDS_FROM = 1e11;
const MICROSECONDS_FROM = 1e14;

export const parseTimeValue = (text: string): number => {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return ofNumber(Number(trimmed));
  const parts = DATE_TIME.exec(trimmed);
  const iso = parts ? `${parts[1]}T${parts[2] ?? '00:00'}${parts[3] ?? ':00'}Z` : trimmed;
  return parseTime(iso) ?? Number.NaN;
};

const ofNumber = (value: number): number => {
  if (value < MILLISECONDS_FROM) return Math.round(value * 1000);
  return Math.round(value < MICROSECONDS_FROM ? value : value / 1000);
};
