import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { MOVIELENS_CSV, writeFiles } from '../../test/ingest/dataset-files.ts';
import {
  interactionsIn,
  itemsIn,
  openTestIngest,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';
import { HttpBackfillSink } from '../import/http-backfill-sink.ts';
import { runImport } from '../import/import-run.ts';
import { openDataset } from '../import/open-dataset.ts';

let folder: string;
let under: TestIngest;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-import-routes-'));
  under = await openTestIngest();
  url = await under.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  await under.close();
  await rm(folder, { recursive: true, force: true });
});

const importOver = async (sink: HttpBackfillSink) => {
  const { dataset, close } = await openDataset(await writeFiles(join(folder, 'ml'), MOVIELENS_CSV));
  const kinds = kindTable(DEFAULT_KINDS);
  const deps = { sink, kinds, clock: under.clock, temporaryDirectory: folder };
  return runImport(dataset, deps, { batchEvents: 2 }).finally(close);
};

const ID = 'a'.repeat(64);
const state = {
  status: 'running',
  source: 'x',
  items: 0,
  events: 2,
  eventsSent: 0,
  shiftMs: 0,
  startedAt: 0,
  finishedAt: null,
};
const row = (
  sequence: number,
  changes: readonly (readonly [number, unknown])[] = [],
): unknown[] => {
  const values: unknown[] = [sequence, 'ada', null, 'heat', 'rating', 4, 1_000_000_000_000];
  for (const [at, value] of changes) values[at] = value;
  return values;
};
const send = (method: 'PUT' | 'POST', path: string, payload: object) =>
  under.app.inject({ method, url: `/v1/imports/${path}`, payload });

describe('an import into a running server', () => {
  it('ends in the same log as one beside it, and is recognised again', async () => {
    const sink = new HttpBackfillSink({ url, clock: under.clock });
    expect(await importOver(sink)).toMatchObject({ outcome: 'imported', items: 3, events: 4 });
    expect((await interactionsIn(under.log)).map(({ sequence }) => sequence).sort()).toEqual([
      0, 1, 2, 3,
    ]);
    expect(await itemsIn(under.log)).toHaveLength(3);
    expect(await importOver(sink)).toMatchObject({ outcome: 'already imported' });
    expect(await interactionsIn(under.log)).toHaveLength(4);
  });

  it('sends again what was not answered, and nothing is in the log twice', async () => {
    let answers = 0;
    under.app.server.prependListener('request', (_request, response) => {
      answers += 1;
      // Every third request is taken in, but its answer is lost.
      if (answers % 3 === 0) response.end = () => response.destroy();
    });
    const sink = new HttpBackfillSink({ url, clock: under.clock });
    expect(await importOver(sink)).toMatchObject({ events: 4 });
    expect((await interactionsIn(under.log)).map(({ sequence }) => sequence).sort()).toEqual([
      0, 1, 2, 3,
    ]);
  });

  it('a batch that comes twice, or comes too late, changes nothing', async () => {
    await send('PUT', ID, state);
    const batch = { events: [row(0), row(1)] };
    for (let times = 0; times < 3; times += 1) {
      expect((await send('POST', `${ID}/events`, batch)).json()).toEqual({ durable: true });
    }
    await send('POST', `${ID}/events`, { events: [row(0)] });
    expect(await interactionsIn(under.log)).toHaveLength(2);
  });

  it.each([
    ['a kind that is unknown', [[4, 'sneeze']], 'unknown_kind'],
    ['a value out of range', [[5, 9]], 'bad_value'],
    ['nobody', [[1, null]], 'bad_value'],
    ['two', [[2, 's']], 'bad_value'],
    ['an id that cannot be one', [[3, '']], 'bad_id'],
    ['a wrong type', [[1, 7]], 'bad_request'],
  ] as const)('refuses a batch with %s whole', async (_, changes, code) => {
    await send('PUT', ID, state);
    const response = await send('POST', `${ID}/events`, { events: [row(0), row(1, changes)] });
    expect(response.json().error.code).toBe(code);
    expect(await interactionsIn(under.log)).toEqual([]);
  });

  it('refuses numbers that do not rise and ids that are no hash', async () => {
    const falling = await send('POST', `${ID}/events`, { events: [row(1), row(1)] });
    expect(falling.json().error.code).toBe('bad_value');
    expect((await send('PUT', 'x', state)).statusCode).toBe(400);
    expect((await under.app.inject(`/v1/imports/${ID}`)).statusCode).toBe(404);
  });

  it('gives up with a clear message when nobody answers', async () => {
    const sink = new HttpBackfillSink({
      url: 'http://127.0.0.1:1',
      clock: under.clock,
      attemptsMax: 2,
    });
    await expect(importOver(sink)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
