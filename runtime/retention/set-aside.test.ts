import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs } from '../../schemas/ids.ts';
import { dataPathsOf } from '../data-directory.ts';
import { findSetAside, removeSetAside, SET_ASIDE_DAYS } from './set-aside.ts';

const DAY_MS = 86_400_000;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-aside-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const makeFile = (...place: readonly string[]): void => {
  mkdirSync(join(root, ...place.slice(0, -1)), { recursive: true });
  writeFileSync(join(root, ...place), 'x'.repeat(10_000));
};

describe('what was set aside', () => {
  it('is found with its size, in the warehouse’s place and beside the state', async () => {
    makeFile('warehouse', 'store', 'part');
    makeFile('state', 'interactions.0', 'data.mdb');
    expect(await findSetAside(dataPathsOf(root))).toEqual([]);
    makeFile('warehouse.damaged-20260101T000000', 'store', 'part');
    makeFile('state', 'interactions.0', 'data.mdb.damaged');
    const found = await findSetAside(dataPathsOf(root));
    expect(found.map(({ path }) => path.slice(root.length + 1)).sort()).toEqual([
      'state/interactions.0/data.mdb.damaged',
      'warehouse.damaged-20260101T000000',
    ]);
    for (const { bytes } of found) expect(bytes).toBeGreaterThanOrEqual(8_192);
  });

  it(`stays for ${SET_ASIDE_DAYS} days, of the warehouse only the newest; what is in use stays`, async () => {
    makeFile('warehouse', 'part');
    makeFile('state', 'interactions.0', 'data.mdb');
    makeFile('state', 'interactions.0', 'data.mdb.damaged');
    makeFile('state', 'item-signals.1', 'data.mdb.damaged');
    for (const time of ['20260101T000000', '20260102T000000']) {
      makeFile(`warehouse.damaged-${time}`, 'part');
    }
    const paths = dataPathsOf(root);
    const now = (await findSetAside(paths)).at(-1)!.at;
    expect(await removeSetAside(paths, now)).toEqual([
      join(root, 'warehouse.damaged-20260101T000000'),
    ]);
    const almost = epochMs(now + SET_ASIDE_DAYS * DAY_MS - DAY_MS);
    expect(await removeSetAside(paths, almost)).toEqual([]);
    expect(await removeSetAside(paths, epochMs(almost + 2 * DAY_MS))).toHaveLength(3);
    expect(readdirSync(root).sort()).toEqual(['state', 'warehouse']);
    expect(readdirSync(join(root, 'state', 'interactions.0'))).toEqual(['data.mdb']);
  });
});
