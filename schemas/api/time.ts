/** Times as the API writes and reads them: RFC 3339, in UTC with milliseconds when written. */
import { type EpochMs, epochMs } from '../ids.ts';

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** undefined for what is no RFC 3339 time or no day of the calendar. Past milliseconds it rounds down. */
export const parseTime = (text: string): EpochMs | undefined => {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Six;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A month of 13 or a 30 February would have rolled over into another.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offsetMinutes = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  if (Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59) return undefined;
  const ahead = match[8] === '-' ? -offsetMinutes : offsetMinutes;
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const ofDay = ((hour * 60 + minute - ahead) * 60 + second) * 1000 + milliseconds;
  return epochMs(date.getTime() + ofDay);
};

type Six = [number, number, number, number, number, number];

export const formatTime = (at: EpochMs): string => new Date(at).toISOString();
