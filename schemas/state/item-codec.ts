/**
 * The bytes of an item's state, version 1. Most of them are the neighbour list: a slot is the
 * 64-bit hash, both weights in as few bytes as they need, and the first people while they are
 * fewer than three; about 20 bytes, so that 64 neighbours stay within 2 KB.
 */
import { hexOfHash64 } from '../hash.ts';
import type { EpochMs, ItemId } from '../ids.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion, corrupt } from './byte-cursor.ts';
import {
  BACKWARD,
  FIRST_PERSON,
  FORWARD,
  HASH_HIGH,
  ItemColumns,
  PEOPLE,
  POPULARITY,
  SECOND_PERSON,
  SLOT_WORDS,
  TREND_FAST,
  TREND_SLOW,
} from './item-columns.ts';
import { type ItemState, type Neighbour, type PairPerson, RATING_BUCKETS } from './item-state.ts';
import { readWide, wideByteCount, wideOfWords, wordsOfWide, writeWide } from './wide-integer.ts';

export const ITEM_VERSION = 1;

const DELETED = 1;
const SLOT_BYTES_MIN = 10;
const PEOPLE_ENOUGH = 3;

const writer = new ByteWriter();

export const encodeItemState = (state: ItemState): Uint8Array =>
  encodeItemColumns(columnsOfItem(state));

export const decodeItemState = (bytes: Uint8Array): ItemState =>
  itemOfColumns(decodeItemColumns(bytes));

export const encodeItemColumns = (item: ItemColumns): Uint8Array => {
  writer.reset();
  writer.u8(ITEM_VERSION);
  writer.text(item.itemId);
  writer.u8(item.deleted ? DELETED : 0);
  writer.varint(item.categories.length);
  for (const category of item.categories) writer.text(category);
  writer.i48(item.lastEventAt);
  writer.i48(item.landmark);
  writer.zigzag(item.interactionCount);
  for (const at of [POPULARITY, TREND_FAST, TREND_SLOW]) {
    writer.u8(wideByteCount(item.counters, at));
    writeWide(writer, item.counters, at);
  }
  writer.zigzag(item.ratingCount);
  writer.zigzag(item.ratingSumTenths);
  for (const count of item.histogram) writer.zigzag(count);
  writeNeighbours(item);
  return writer.take();
};

const writeNeighbours = (item: ItemColumns): void => {
  const { slots, neighbourCount } = item;
  writer.varint(neighbourCount);
  const end = neighbourCount * SLOT_WORDS;
  for (let at = 0; at < end; at += SLOT_WORDS) {
    writer.u32(slots[at]!);
    writer.u32(slots[at + HASH_HIGH]!);
    writer.u8(wideByteCount(slots, at + FORWARD) | (wideByteCount(slots, at + BACKWARD) << 4));
    writeWide(writer, slots, at + FORWARD);
    writeWide(writer, slots, at + BACKWARD);
    const packed = slots[at + PEOPLE]!;
    const people = packed & 255;
    writer.u8(people);
    if (people >= PEOPLE_ENOUGH) continue;
    writer.u32(slots[at + FIRST_PERSON]!);
    writer.u8((packed >>> 8) & 255);
    if (people < 2) continue;
    writer.u32(slots[at + SECOND_PERSON]!);
    writer.u8((packed >>> 16) & 255);
  }
};

export const decodeItemColumns = (bytes: Uint8Array): ItemColumns => {
  const reader = new ByteReader(bytes);
  checkVersion(reader, ITEM_VERSION, 'item state');
  const item = new ItemColumns(reader.text() as ItemId);
  item.deleted = (reader.u8() & DELETED) !== 0;
  const categories: string[] = [];
  for (let left = reader.count(1); left > 0; left--) categories.push(reader.text());
  item.categories = categories;
  item.lastEventAt = reader.i48() as EpochMs;
  item.landmark = reader.i48() as EpochMs;
  item.interactionCount = reader.zigzag();
  for (const at of [POPULARITY, TREND_FAST, TREND_SLOW]) {
    readWide(reader, item.counters, at, reader.u8());
  }
  item.ratingCount = reader.zigzag();
  item.ratingSumTenths = reader.zigzag();
  for (let bucket = 0; bucket < RATING_BUCKETS; bucket++) {
    item.histogram[bucket] = reader.zigzag();
  }
  readNeighbours(reader, item);
  checkEnd(reader, 'item state');
  return item;
};

const readNeighbours = (reader: ByteReader, item: ItemColumns): void => {
  const neighbourCount = reader.count(SLOT_BYTES_MIN);
  item.makeRoomToAdd(neighbourCount);
  item.neighbourCount = neighbourCount;
  const { slots } = item;
  const end = neighbourCount * SLOT_WORDS;
  for (let at = 0; at < end; at += SLOT_WORDS) {
    slots[at] = reader.i32();
    slots[at + HASH_HIGH] = reader.i32();
    const lengths = reader.u8();
    readWide(reader, slots, at + FORWARD, lengths & 15);
    readWide(reader, slots, at + BACKWARD, lengths >>> 4);
    const people = reader.u8();
    if (people < 1 || people > PEOPLE_ENOUGH) throw corrupt(`${people} people behind a pair`);
    let packed = people;
    if (people < PEOPLE_ENOUGH) {
      slots[at + FIRST_PERSON] = reader.i32();
      packed |= reader.u8() << 8;
      if (people === 2) {
        slots[at + SECOND_PERSON] = reader.i32();
        packed |= reader.u8() << 16;
      }
    }
    slots[at + PEOPLE] = packed;
  }
};

export const itemOfColumns = (item: ItemColumns): ItemState => {
  const neighbours: Neighbour[] = [];
  for (let index = 0; index < item.neighbourCount; index++) {
    neighbours.push(neighbourAt(item.slots, index * SLOT_WORDS));
  }
  return {
    itemId: item.itemId,
    categories: item.categories,
    deleted: item.deleted,
    lastEventAt: item.lastEventAt,
    landmark: item.landmark,
    interactionCount: item.interactionCount,
    popularity: wideOfWords(item.counters, POPULARITY),
    trendFast: wideOfWords(item.counters, TREND_FAST),
    trendSlow: wideOfWords(item.counters, TREND_SLOW),
    ratingCount: item.ratingCount,
    ratingSumTenths: item.ratingSumTenths,
    ratingHistogram: [...item.histogram],
    neighbours,
  };
};

const neighbourAt = (slots: Int32Array, at: number): Neighbour => {
  const packed = slots[at + PEOPLE]!;
  const people = (packed & 255) as 1 | 2 | 3;
  const firstPeople: PairPerson[] = [];
  if (people < PEOPLE_ENOUGH) {
    firstPeople.push({ subjectHash: slots[at + FIRST_PERSON]!, deltas: (packed >>> 8) & 255 });
    if (people === 2) {
      firstPeople.push({ subjectHash: slots[at + SECOND_PERSON]!, deltas: (packed >>> 16) & 255 });
    }
  }
  return {
    itemHash: hexOfHash64(slots[at]!, slots[at + HASH_HIGH]!),
    forward: wideOfWords(slots, at + FORWARD),
    backward: wideOfWords(slots, at + BACKWARD),
    people,
    firstPeople,
  };
};

export const columnsOfItem = (state: ItemState): ItemColumns => {
  const item = new ItemColumns(state.itemId);
  item.categories = state.categories;
  item.deleted = state.deleted;
  item.lastEventAt = state.lastEventAt;
  item.landmark = state.landmark;
  item.interactionCount = state.interactionCount;
  wordsOfWide(state.popularity, item.counters, POPULARITY);
  wordsOfWide(state.trendFast, item.counters, TREND_FAST);
  wordsOfWide(state.trendSlow, item.counters, TREND_SLOW);
  item.ratingCount = state.ratingCount;
  item.ratingSumTenths = state.ratingSumTenths;
  item.histogram.set(state.ratingHistogram.slice(0, RATING_BUCKETS));
  for (const neighbour of state.neighbours) addNeighbour(item, neighbour);
  return item;
};

const addNeighbour = (item: ItemColumns, neighbour: Neighbour): void => {
  const high = Number.parseInt(neighbour.itemHash.slice(0, 8), 16) | 0;
  const low = Number.parseInt(neighbour.itemHash.slice(8), 16) | 0;
  const found = item.findNeighbour(low, high);
  if (found >= 0) throw corrupt(`the neighbour ${neighbour.itemHash} twice`);
  const at = ~found;
  item.insertNeighbour(at, low, high);
  wordsOfWide(neighbour.forward, item.slots, at + FORWARD);
  wordsOfWide(neighbour.backward, item.slots, at + BACKWARD);
  const [first, second] = neighbour.firstPeople;
  item.slots[at + PEOPLE] =
    neighbour.people | ((first?.deltas ?? 0) << 8) | ((second?.deltas ?? 0) << 16);
  item.slots[at + FIRST_PERSON] = first?.subjectHash ?? 0;
  item.slots[at + SECOND_PERSON] = second?.subjectHash ?? 0;
};
