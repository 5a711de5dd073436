/**
 * A log that is copied gets an id of its own, and three places name the old one: envelopes say which log
 * their signals come from, item partitions keep marks by it, and a position says what it covers. They
 * are given the new name on the way, so that what was taken in before is known there, too.
 */
import { HEADER_BYTES } from '../../schemas/avro/record-codec.ts';
import type { LogId } from '../../schemas/ids.ts';
import { PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { decodeItemPartition, encodePartitionState } from '../../schemas/state/partition-state.ts';
import type { StateChange } from '../../storage/state-store/state-store.ts';

export type LogIds = ReadonlyMap<string, LogId>;

/** An envelope from the log that its source is now. The id is the first thing in it. */
export const renamedEnvelope = (value: Uint8Array, ids: LogIds): Uint8Array => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const place = textAt(bytes, HEADER_BYTES);
  const id = place && ids.get(bytes.toString('utf8', place.from, place.to));
  if (place === undefined || id === undefined) return value;
  const text = Buffer.from(id);
  return Buffer.concat([
    bytes.subarray(0, HEADER_BYTES),
    lengthOf(text.length),
    text,
    bytes.subarray(place.to),
  ]);
};

/** An item partition's own value with its marks under the new names. */
export const renamedMarks = (entry: StateChange, ids: LogIds): StateChange => {
  if (entry.key !== PARTITION_KEY || entry.value === undefined) return entry;
  const state = decodeItemPartition(entry.value);
  const marks = Object.fromEntries(
    Object.entries(state.marks)
      .map(([name, mark]) => [renamedMark(name, ids), mark] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
  return { key: entry.key, value: encodePartitionState({ ...state, marks }) };
};

/** `<log id>/<topic>/<partition>`. */
const renamedMark = (name: string, ids: LogIds): string => {
  const slash = name.indexOf('/');
  const id = ids.get(name.slice(0, slash));
  return id === undefined ? name : `${id}${name.slice(slash)}`;
};

/** Where Avro keeps a text: its length as a zigzag varint, then its bytes. */
const textAt = (
  bytes: Buffer,
  at: number,
): { readonly from: number; readonly to: number } | undefined => {
  let length = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * index);
    if ((byte & 0x80) !== 0) continue;
    const from = at + index + 1;
    const to = from + (length >>> 1);
    return (length & 1) === 0 && to <= bytes.length ? { from, to } : undefined;
  }
  return undefined;
};

const lengthOf = (count: number): Buffer => {
  const found: number[] = [];
  for (let left = count * 2; ; left >>>= 7) {
    if (left < 0x80) return Buffer.from([...found, left]);
    found.push((left & 0x7f) | 0x80);
  }
};
