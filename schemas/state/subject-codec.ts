/**
 * The bytes of a SubjectState, version 1.
 *
 * The history stands last and newest first, and an entry's bytes do not depend on its neighbours:
 * so the stream appends an event by writing a new head, one entry, and a copy of the old tail, and
 * reads only as many entries as it needs, from the newest on.
 *
 * An entry starts with one byte of codes: the low four bits name the kind (0: spelled out), two
 * bits the form of the value, one bit the form of the event id, one bit whether it is counted. A
 * UUID takes 16 bytes instead of 37, since 50 entries are to stay within 2 KB.
 */
import type { EpochMs, EventId, ItemId, Offset } from '../ids.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion } from './byte-cursor.ts';
import type {
  EvictedCount,
  EvictedSeen,
  HistoryEntry,
  PendingUndo,
  SessionWindow,
  SubjectState,
} from './subject-state.ts';

export const SUBJECT_VERSION = 1;

/** Frozen: a code in stored bytes means this kind for ever. Others are spelled out. */
const KIND_CODES = [
  '',
  'click',
  'view',
  'watch',
  'like',
  'purchase',
  'rating',
  'dislike',
  'hide',
] as const;
const CODE_OF_KIND = new Map<string, number>(
  KIND_CODES.flatMap((kind, code) => (code === 0 ? [] : [[kind, code] as const])),
);

const VALUE_NONE = 0;
const VALUE_TENTHS = 1;
const VALUE_DOUBLE = 2;
const ID_UUID = 64;
const COUNTED = 128;
const ENTRY_BYTES_MIN = 10;

/** Everything of a subject but the history: what an append writes anew. */
export type SubjectHead = Omit<SubjectState, 'history'>;

const writer = new ByteWriter();

export const encodeSubjectState = (state: SubjectState): Uint8Array => {
  writer.reset();
  writeSubjectHead(writer, state, state.history.length);
  for (let index = state.history.length - 1; index >= 0; index--) {
    writeEntry(writer, state.history[index]!);
  }
  return writer.take();
};

export const decodeSubjectState = (bytes: Uint8Array): SubjectState => {
  const reader = new ByteReader(bytes);
  const { head, historyCount } = readSubjectHead(reader);
  const history = new Array<HistoryEntry>(historyCount);
  for (let index = historyCount - 1; index >= 0; index--) history[index] = readEntry(reader);
  checkEnd(reader, 'subject state');
  return { ...head, history };
};

/** Writes all that stands before the entries, their count included. */
export const writeSubjectHead = (
  target: ByteWriter,
  head: SubjectHead,
  historyCount: number,
): void => {
  target.u8(SUBJECT_VERSION);
  target.varint(head.lastOffset + 1);
  target.i48(head.lastEventAt);
  target.varint(head.eventCount);
  target.varint(head.evictedCount);
  target.zigzag(head.ownValueSumThousandths);
  target.varint(head.ownValueCount);
  writeSessions(target, head.sessions);
  target.varint(head.pendingUndos.length);
  for (const undo of head.pendingUndos) {
    target.text(undo.eventId);
    target.i48(undo.occurredAt);
  }
  target.varint(head.evictedCounts.length);
  for (const count of head.evictedCounts) {
    target.u16(count.day);
    target.u32(count.hash);
  }
  target.varint(head.evictedSeen.length);
  for (const seen of head.evictedSeen) {
    target.u32(seen.itemHash);
    target.u16(seen.untilDay);
  }
  target.varint(historyCount);
};

const writeSessions = (target: ByteWriter, sessions: readonly SessionWindow[]): void => {
  target.varint(sessions.length);
  for (const session of sessions) {
    target.i48(session.firstAt);
    target.varint(session.lastAt - session.firstAt);
    target.varint(session.events);
  }
};

/** Reads up to the first entry, and leaves the reader there. */
export const readSubjectHead = (
  reader: ByteReader,
): { readonly head: SubjectHead; readonly historyCount: number } => {
  checkVersion(reader, SUBJECT_VERSION, 'subject state');
  const head: SubjectHead = {
    lastOffset: (reader.varint() - 1) as Offset,
    lastEventAt: reader.i48() as EpochMs,
    eventCount: reader.varint(),
    evictedCount: reader.varint(),
    ownValueSumThousandths: reader.zigzag(),
    ownValueCount: reader.varint(),
    sessions: readSessions(reader),
    pendingUndos: readPendingUndos(reader),
    evictedCounts: readEvictedCounts(reader),
    evictedSeen: readEvictedSeen(reader),
  };
  return { head, historyCount: reader.count(ENTRY_BYTES_MIN) };
};

const readSessions = (reader: ByteReader): SessionWindow[] => {
  const sessions: SessionWindow[] = [];
  for (let left = reader.count(8); left > 0; left--) {
    const firstAt = reader.i48();
    const lastAt = firstAt + reader.varint();
    sessions.push({
      firstAt: firstAt as EpochMs,
      lastAt: lastAt as EpochMs,
      events: reader.varint(),
    });
  }
  return sessions;
};

const readPendingUndos = (reader: ByteReader): PendingUndo[] => {
  const undos: PendingUndo[] = [];
  for (let left = reader.count(7); left > 0; left--) {
    undos.push({ eventId: reader.text() as EventId, occurredAt: reader.i48() as EpochMs });
  }
  return undos;
};

const readEvictedCounts = (reader: ByteReader): EvictedCount[] => {
  const counts: EvictedCount[] = [];
  for (let left = reader.count(6); left > 0; left--) {
    counts.push({ day: reader.u16(), hash: reader.u32() });
  }
  return counts;
};

const readEvictedSeen = (reader: ByteReader): EvictedSeen[] => {
  const seen: EvictedSeen[] = [];
  for (let left = reader.count(6); left > 0; left--) {
    seen.push({ itemHash: reader.u32(), untilDay: reader.u16() });
  }
  return seen;
};

export const writeEntry = (target: ByteWriter, entry: HistoryEntry): void => {
  const kindCode = CODE_OF_KIND.get(entry.kind) ?? 0;
  const valueCode = valueCodeOf(entry.value);
  const codesAt = target.length;
  const codes = kindCode | (valueCode << 4) | (entry.isCounted ? COUNTED : 0);
  target.u8(codes);
  target.i48(entry.occurredAt);
  target.varint(entry.busy);
  if (kindCode === 0) target.text(entry.kind);
  if (valueCode === VALUE_TENTHS) target.u8(Math.round(entry.value! * 10));
  else if (valueCode === VALUE_DOUBLE) target.f64(entry.value!);
  if (writeUuid(target, entry.eventId)) target.buffer[codesAt] = codes | ID_UUID;
  else target.text(entry.eventId);
  target.text(entry.itemId);
};

export const readEntry = (reader: ByteReader): HistoryEntry => {
  const codes = reader.u8();
  const occurredAt = reader.i48() as EpochMs;
  const busy = reader.varint();
  const kindCode = codes & 15;
  const kind = kindCode === 0 ? reader.text() : (KIND_CODES[kindCode] ?? '');
  const valueCode = (codes >> 4) & 3;
  let value: number | null = null;
  if (valueCode === VALUE_TENTHS) value = reader.u8() / 10;
  else if (valueCode === VALUE_DOUBLE) value = reader.f64();
  const eventId = ((codes & ID_UUID) !== 0 ? readUuid(reader) : reader.text()) as EventId;
  const itemId = reader.text() as ItemId;
  return { eventId, itemId, kind, value, occurredAt, isCounted: codes >= COUNTED, busy };
};

/** Moves past one entry and makes nothing of it but its codes byte. */
export const skipEntry = (reader: ByteReader): number => {
  const codes = skipToItem(reader);
  reader.skip(reader.varint());
  return codes;
};

/** Moves to an entry's item id, which is its last field. */
export const skipToItem = (reader: ByteReader): number => {
  const codes = reader.u8();
  reader.skip(6);
  reader.varint();
  if ((codes & 15) === 0) reader.skip(reader.varint());
  const valueCode = (codes >> 4) & 3;
  if (valueCode === VALUE_TENTHS) reader.skip(1);
  else if (valueCode === VALUE_DOUBLE) reader.skip(8);
  reader.skip((codes & ID_UUID) !== 0 ? 16 : reader.varint());
  return codes;
};

/** Whether the codes byte says that the entry is counted. */
export const isCountedCodes = (codes: number): boolean => codes >= COUNTED;

const TWO_32 = 0x1_0000_0000;

/** The time of the entry that begins there. */
export const timeOfEntry = (bytes: Uint8Array, start: number): number => {
  const low =
    bytes[start + 1]! |
    (bytes[start + 2]! << 8) |
    (bytes[start + 3]! << 16) |
    (bytes[start + 4]! << 24);
  const high = ((bytes[start + 5]! | (bytes[start + 6]! << 8)) << 16) >> 16;
  return high * TWO_32 + (low >>> 0);
};

/** The kind that an entry's codes byte names; undefined where it is spelled out. */
export const kindOfCodes = (codes: number): string | undefined =>
  (codes & 15) === 0 ? undefined : KIND_CODES[codes & 15];

const valueCodeOf = (value: number | null): number => {
  if (value === null) return VALUE_NONE;
  const tenths = Math.round(value * 10);
  return tenths >= 0 && tenths <= 255 && tenths / 10 === value && !Object.is(value, -0)
    ? VALUE_TENTHS
    : VALUE_DOUBLE;
};

const DASH = 45;
/** Value of a lower-case hexadecimal digit by its character code; 255 for everything else. */
const NIBBLES = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return digit < 0 ? 255 : digit;
});
const nibbleAt = (id: string, at: number): number => {
  const code = id.charCodeAt(at);
  return code < 128 ? NIBBLES[code]! : 255;
};

/**
 * Writes a UUID in the usual lower-case spelling as 16 bytes; writes nothing and returns false where
 * the id is anything else.
 */
const writeUuid = (target: ByteWriter, id: string): boolean => {
  if (id.length !== 36) return false;
  target.reserve(16);
  const { buffer } = target;
  let to = target.length;
  for (let at = 0; at < 36; at += 2) {
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (id.charCodeAt(at) !== DASH) return false;
      at++;
    }
    const high = nibbleAt(id, at);
    const low = nibbleAt(id, at + 1);
    if ((high | low) > 15) return false;
    buffer[to++] = (high << 4) | low;
  }
  target.length = to;
  return true;
};

const readUuid = (reader: ByteReader): string => {
  const start = reader.position;
  reader.skip(16);
  const hex = reader.buffer.toString('hex', start, start + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};
