import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import {
  FIXTURE_NOW,
  openTestIngest,
  openTestLog,
  TestClock,
} from '../../test/ingest/ingest-fixture.ts';
import { HttpCatalogueTarget } from './http-catalogue-target.ts';
import { type ItemSyncOptions, syncItems } from './item-sync.ts';
import { LogCatalogueTarget } from './log-catalogue-target.ts';

let folder: string;
let log: EventLog;
const clock = new TestClock();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-sync-'));
  log = openTestLog();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const target = () => new LogCatalogueTarget({ log, clock });
const sync = async (name: string, feed: string, options: Partial<ItemSyncOptions> = {}) => {
  await writeFile(join(folder, name), feed);
  const given = { feed: join(folder, name), force: false, dryRun: false, ...options };
  return syncItems(given, { target: target(), clock });
};
const idsNow = async () => [...(await target().currentItems())].map(({ itemId }) => itemId).sort();
const lines = (count: number) =>
  Array.from({ length: count }, (_, n) => `i${n},Item ${n},a|b,${n}`);
const HEADER = 'itemId,title,categories,year';
const feedOf = (...rows: string[]) => [HEADER, ...rows].join('\n');

describe('a feed of items', () => {
  it('adds what is new, writes anew what differs, withdraws what is gone, leaves the rest', async () => {
    expect(await sync('feed.csv', feedOf(...lines(10)))).toMatchObject({
      unchanged: 0,
      isApplied: true,
    });
    const rows = lines(9);
    rows[3] = 'i3,Another title,a|b,1999';
    const report = await sync('feed.csv', feedOf(...rows, 'new,New,c,2026'));
    expect(report).toEqual({
      added: [{ itemId: 'new', title: 'New', fields: [] }],
      changed: [{ itemId: 'i3', title: 'Another title', fields: ['title', 'attributes'] }],
      withdrawn: [{ itemId: 'i9', title: 'Item 9', fields: [] }],
      unchanged: 8,
      broken: [],
      cleaned: [],
      isApplied: true,
    });
    expect(await idsNow()).toEqual([...Array.from({ length: 9 }, (_, n) => `i${n}`), 'new'].sort());
    expect(await sync('feed.csv', feedOf(...rows, 'new,New,c,2026'))).toMatchObject({
      unchanged: 10,
    });
  });

  it('is read from CSV, NDJSON and JSON alike', async () => {
    const items = [
      {
        itemId: '__proto__',
        title: 'P',
        categories: ['a', 'b'],
        publishedAt: '1995-12-15',
        price: 3.5,
        hidden: true,
        colour: 'red',
        attributes: { year: 1995 },
      },
    ];
    const expected = {
      itemId: '__proto__',
      title: 'P',
      categories: ['a', 'b'],
      publishedAt: Date.UTC(1995, 11, 15),
      price: 3.5,
      hidden: true,
      available: true,
      attributes: { colour: 'red', year: 1995 },
      updatedAt: FIXTURE_NOW,
    };
    const csv =
      'id;name;genres;released;price;hidden;colour;year\n__proto__;P;a|b;1995-12-15;3.5;yes;red;1995\n';
    for (const [name, text] of [
      ['x.ndjson', items.map((item) => JSON.stringify(item)).join('\n')],
      ['x.json', JSON.stringify({ items })],
      ['x.csv', csv],
    ] as const) {
      log = openTestLog();
      await sync(name, text);
      expect([...(await target().currentItems())]).toMatchObject([expected]);
    }
  });

  it('that would withdraw more than a fifth is refused, unless by force', async () => {
    await sync('feed.csv', feedOf(...lines(10)));
    expect((await sync('feed.csv', feedOf(...lines(8)))).withdrawn).toHaveLength(2);
    await expect(sync('feed.csv', feedOf(...lines(6)))).rejects.toMatchObject({
      code: 'feed_withdraws_too_much',
      message:
        'Expected the feed to withdraw at most 20 % of the items, it would withdraw 2 of 8; add --force if that is meant.',
    });
    expect(await idsNow()).toHaveLength(8);
    await sync('feed.csv', feedOf(...lines(6)), { force: true });
    expect(await idsNow()).toHaveLength(6);
  });

  it('with lines that cannot be read withdraws nothing, unless by force', async () => {
    await sync('feed.csv', feedOf(...lines(10)));
    const damaged = feedOf(...lines(9), 'i9,,a,1');
    await expect(sync('feed.csv', damaged)).rejects.toThrow(
      /since 1 of 10 items would be withdrawn, .*got 1 that cannot; --dry-run shows/,
    );
    const report = await sync('feed.csv', damaged, { force: true });
    expect(report.broken).toMatchObject([
      { problem: 'an item without an id or a title', count: 1 },
    ]);
    expect(await idsNow()).toHaveLength(9);
  });

  it('shown as a dry run changes nothing', async () => {
    await sync('feed.csv', feedOf(...lines(4)));
    const report = await sync('feed.csv', feedOf('x,X,a,1'), { dryRun: true });
    expect(report).toMatchObject({ isApplied: false, added: [{ itemId: 'x' }] });
    expect(report.withdrawn).toHaveLength(4);
    expect(await idsNow()).toHaveLength(4);
  });

  it('is written to a running server', async () => {
    const under = await openTestIngest({ log });
    const url = await under.app.listen({ port: 0, host: '127.0.0.1' });
    const server = new HttpCatalogueTarget({ url });
    await server.write([...(await emptyThen('a', 'b'))]);
    expect(await idsNow()).toEqual(['a', 'b']);
    await server.remove(['gone already' as never]);
    await under.close();
    await expect(server.remove(['a' as never])).rejects.toMatchObject({ code: 'unavailable' });
  });

  const emptyThen = async (...ids: string[]) => {
    const other = openTestLog();
    const elsewhere = new LogCatalogueTarget({ log: other, clock });
    await writeFile(join(folder, 'other.csv'), feedOf(...ids.map((id) => `${id},T,c,1`)));
    await syncItems(
      { feed: join(folder, 'other.csv'), force: false, dryRun: false },
      { target: elsewhere, clock },
    );
    return elsewhere.currentItems();
  };
});
