import { describe, expect, it } from 'vitest';
import { decodeRecordAs, encodeRecord } from './avro/record-codec.ts';
import { RECORD_SAMPLES } from './avro/record-samples.ts';
import { epochMs, type ItemId, offset, partitionIndex } from './ids.ts';
import type { RecordTypes } from './records.ts';
import {
  ddlOf,
  impressionRow,
  interactionOfRow,
  interactionRow,
  itemRow,
  WAREHOUSE_TABLES,
  type WarehouseTable,
} from './tables.ts';

const position = { topic: 'interactions', partition: partitionIndex(3), offset: offset(128_000) };
const rating = RECORD_SAMPLES['interaction-rating']!.record as RecordTypes['Interaction'];
const sequenced = RECORD_SAMPLES['interaction-sequenced']!.record as RecordTypes['Interaction'];
const impression = RECORD_SAMPLES.impression!.record as RecordTypes['Impression'];
const heat = RECORD_SAMPLES['catalogue-item']!.record as RecordTypes['CatalogueItem'];

const ROWS: readonly (readonly [WarehouseTable, object])[] = [
  [WAREHOUSE_TABLES.interactions, interactionRow(rating, position)],
  [WAREHOUSE_TABLES.impressions, impressionRow(impression, position)],
  [WAREHOUSE_TABLES.items, itemRow(heat.itemId, heat, position)],
];

describe('a warehouse table', () => {
  for (const [table, row] of ROWS) {
    it(`has a cell for each column, in order: ${table.name}`, () => {
      expect(Object.keys(row)).toEqual(table.columns.map(({ name }) => name));
    });

    it(`ends its sorting key with the place in the log: ${table.name}`, () => {
      expect(table.orderBy.slice(-3)).toEqual(['topic', 'partition', 'offset']);
    });
  }

  it('is created by a statement that names every column', () => {
    const ddl = ddlOf(WAREHOUSE_TABLES.interactions, 'site_a_interactions');
    expect(ddl).toContain('CREATE TABLE IF NOT EXISTS `site_a_interactions` (');
    expect(ddl).toContain("  `occurredAt` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD),");
    expect(ddl).toContain(') ENGINE = ReplacingMergeTree\nPARTITION BY toYear(occurredAt)\n');
    expect(ddl).toContain('ORDER BY (`subject`, `occurredAt`, `topic`, `partition`, `offset`)');
    expect(ddlOf(WAREHOUSE_TABLES.items)).not.toContain('PARTITION BY');
  });
});

describe('a row', () => {
  it('carries the whole record', () => {
    const row = interactionRow(rating, position);
    const { context, ...rest } = rating;
    expect(row).toMatchObject({ ...rest, ...context, ...position, subject: 'u:ada' });
    expect(interactionRow(sequenced, position).subject).toBe('s:séance-🎬');
    expect(interactionRow({ ...rating, context: null }, position)).toMatchObject({
      listId: null,
      rank: null,
      placement: null,
      undoes: null,
    });
    expect(impressionRow(impression, position)).toMatchObject({
      itemIds: ['heat-1995', 'amélie-2001'],
      ranks: [1, 2],
      propensities: [0.25, null],
    });
  });

  it('is the same for a record that went through the log', () => {
    const read = decodeRecordAs('Impression', encodeRecord('Impression', impression));
    expect(JSON.stringify(impressionRow(read, position))).toBe(
      JSON.stringify(impressionRow(impression, position)),
    );
  });

  it('gives back the interaction that it was made of', () => {
    for (const record of [rating, sequenced, { ...rating, context: null }]) {
      expect(interactionOfRow(interactionRow(record, position))).toEqual(record);
    }
  });

  it('keeps times within what ClickHouse can hold', () => {
    const row = itemRow(
      heat.itemId,
      { ...heat, availableFrom: epochMs(-62_167_219_200_000) },
      position,
    );
    expect(new Date(row.expiresAt!).toISOString()).toBe('2299-12-31T23:59:59.999Z');
    expect(new Date(row.availableFrom!).toISOString()).toBe('1900-01-01T00:00:00.000Z');
    expect(row.publishedAt).toBe(heat.publishedAt);
  });

  it('says of a deleted item that it is deleted', () => {
    const row = itemRow('gone' as ItemId, null, position);
    expect(row).toMatchObject({ itemId: 'gone', deleted: true, available: false, updatedAt: null });
    expect(itemRow(heat.itemId, heat, position).attributes).toBe(
      '{"year":1995,"director":"Michael Mann","colour":true}',
    );
  });
});
