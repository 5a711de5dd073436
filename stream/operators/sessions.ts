/**
 * Gap windows over a subject's events: a pause longer than the gap ends a session, and a late event
 * between two of them joins them. Independent of the order of arrival while no session was pushed
 * out by the cap.
 *
 * A list is flat, three numbers a session: first, last, events; oldest first. It belongs to its
 * subject, and where a session merely goes on, it is changed in place.
 */
import type { ByteReader, ByteWriter } from '../../schemas/state/byte-cursor.ts';

export type SessionList = number[];

export interface SessionOptions {
  readonly sessionGapMs: number;
  readonly sessionsMax: number;
}

const WIDTH = 3;
const SESSION_BYTES_MIN = 8;

/** The list with one more event in it; the list given is no longer to be used. */
export const sessionsAfter = (
  sessions: SessionList,
  at: number,
  options: SessionOptions,
): SessionList => {
  const gap = options.sessionGapMs;
  const end = sessions.length;
  if (end > 0 && at >= sessions[end - 3]! && at <= sessions[end - 2]! + gap) {
    // The usual case: the session goes on.
    if (at > sessions[end - 2]!) sessions[end - 2] = at;
    sessions[end - 1] = sessions[end - 1]! + 1;
    return sessions;
  }
  const before: number[] = [];
  const after: number[] = [];
  let first = at;
  let last = at;
  let events = 1;
  for (let index = 0; index < end; index += WIDTH) {
    const otherFirst = sessions[index]!;
    const otherLast = sessions[index + 1]!;
    const otherEvents = sessions[index + 2]!;
    if (otherLast + gap < at) before.push(otherFirst, otherLast, otherEvents);
    else if (otherFirst - gap > at) after.push(otherFirst, otherLast, otherEvents);
    else {
      first = Math.min(first, otherFirst);
      last = Math.max(last, otherLast);
      events += otherEvents;
    }
  }
  before.push(first, last, events);
  for (const number of after) before.push(number);
  const tooMany = before.length - options.sessionsMax * WIDTH;
  return tooMany > 0 ? before.slice(tooMany) : before;
};

export const writeSessionList = (writer: ByteWriter, sessions: SessionList): void => {
  writer.varint(sessions.length / WIDTH);
  for (let index = 0; index < sessions.length; index += WIDTH) {
    const first = sessions[index]!;
    writer.i48(first);
    writer.varint(sessions[index + 1]! - first);
    writer.varint(sessions[index + 2]!);
  }
};

export const readSessionList = (reader: ByteReader): SessionList => {
  const sessions: number[] = [];
  for (let left = reader.count(SESSION_BYTES_MIN); left > 0; left--) {
    const first = reader.i48();
    sessions.push(first, first + reader.varint(), reader.varint());
  }
  return sessions;
};
