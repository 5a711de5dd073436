/**
 * The bytes of `category:<name>`: the counters of a category within one item partition, the sum over
 * its items. Version 1: u8 version | i48 landmark | zigzag interactions | three 64-bit counters.
 */
import type { EpochMs } from '../ids.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion } from './byte-cursor.ts';
import { POPULARITY, TREND_FAST, TREND_SLOW } from './item-columns.ts';
import { wideOfWords } from './wide-integer.ts';

export interface CategoryState {
  readonly landmark: EpochMs;
  readonly interactionCount: number;
  readonly popularity: bigint;
  readonly trendFast: bigint;
  readonly trendSlow: bigint;
}

export const CATEGORY_PREFIX = 'category:';
const VERSION = 1;
const COUNTER_WORDS = 6;
const writer = new ByteWriter();

/** The same as the stream changes it in place. */
export interface CategoryColumns {
  landmark: EpochMs;
  interactionCount: number;
  readonly counters: Int32Array;
}

export const emptyCategory = (landmark: EpochMs): CategoryColumns => ({
  landmark,
  interactionCount: 0,
  counters: new Int32Array(COUNTER_WORDS),
});

export const encodeCategoryColumns = (category: CategoryColumns): Uint8Array => {
  writer.reset();
  writer.u8(VERSION);
  writer.i48(category.landmark);
  writer.zigzag(category.interactionCount);
  for (const word of category.counters) writer.u32(word);
  return writer.take();
};

export const decodeCategoryColumns = (bytes: Uint8Array): CategoryColumns => {
  const reader = new ByteReader(bytes);
  checkVersion(reader, VERSION, 'category state');
  const landmark = reader.i48() as EpochMs;
  const interactionCount = reader.zigzag();
  const counters = new Int32Array(COUNTER_WORDS);
  for (let index = 0; index < COUNTER_WORDS; index++) counters[index] = reader.i32();
  checkEnd(reader, 'category state');
  return { landmark, interactionCount, counters };
};

export const decodeCategoryState = (bytes: Uint8Array): CategoryState => {
  const { landmark, interactionCount, counters } = decodeCategoryColumns(bytes);
  return {
    landmark,
    interactionCount,
    popularity: wideOfWords(counters, POPULARITY),
    trendFast: wideOfWords(counters, TREND_FAST),
    trendSlow: wideOfWords(counters, TREND_SLOW),
  };
};
