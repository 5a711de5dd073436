import { beforeEach, describe, expect, it } from 'vitest';
import { epochMs } from '../schemas/ids.ts';
import { item, ManualClock, settled } from '../test/serving/serving-fixture.ts';
import { Catalogue } from './catalogue.ts';
import { ContentIndex } from './content-index.ts';
import { ItemSlots } from './item-slots.ts';
import { PAIR } from './sources/content-source.ts';

const film = (index: number) =>
  item(`film-${index}`, { categories: [`Genre ${index % 5}`], tags: [`tag-${index % 9}`] });

let clock: ManualClock;
let catalogue: Catalogue;
let content: ContentIndex;
const put = (...indexes: readonly number[]): number[] => {
  for (const index of indexes) catalogue.put(film(index));
  const slots = indexes.map((index) => catalogue.slots.find(`film-${index}`)!);
  content.changed(slots);
  return slots;
};
const alike = (index: number): string[] => {
  const pairs = content.findNeighboursOf(catalogue.slots.find(`film-${index}`)!);
  const ids: string[] = [];
  for (let at = 0; at < pairs.length; at += PAIR) ids.push(catalogue.slots.idOf(pairs[at]!)!);
  return ids;
};

beforeEach(() => {
  clock = new ManualClock();
  catalogue = new Catalogue(new ItemSlots());
  content = new ContentIndex({ catalogue, clock, neighboursMax: 8 });
  for (let index = 0; index < 45; index++) catalogue.put(film(index));
  content.fit();
});

describe('items alike by content', () => {
  it('share what they are, the most alike first', () => {
    const [first] = alike(0);
    expect(first).toBeDefined();
    expect(alike(0)).not.toContain('film-0');
    const index = Number(first!.slice(5));
    expect(index % 5 === 0 || index % 9 === 0).toBe(true);
    expect(alike(0)).toHaveLength(8);
  });

  it('hold a new item at once, and it them', () => {
    const before = alike(0);
    put(90);
    expect(alike(90)).toContain('film-0');
    expect(alike(0)[0]).toBe('film-90');
    expect(alike(0)).not.toEqual(before);
  });

  it('follow an item that changes', async () => {
    catalogue.put({ ...film(0), categories: ['Genre 1'], tags: ['tag-1'], updatedAt: epochMs(9) });
    content.changed([catalogue.slots.find('film-0')!]);
    await settled();
    expect(alike(0)[0]).toBe('film-1');
  });

  it('are found for all items between other work', async () => {
    expect(content.counters().missing).toBe(45);
    for (let turn = 0; turn < 4; turn++) await settled();
    expect(content.counters()).toMatchObject({ missing: 0, lists: 45 });
  });

  it('are fitted anew at once when the catalogue has doubled', async () => {
    put(...Array.from({ length: 60 }, (_, index) => 100 + index));
    await settled();
    expect(content.counters().fits).toBe(2);
  });

  it('are fitted anew when enough has changed and the changes have come to rest', () => {
    put(100, 101, 102);
    content.fitWhenDue();
    expect(content.counters().fits).toBe(1);
    clock.time += 1_000;
    content.fitWhenDue();
    expect(content.counters().fits).toBe(2);
    put(103);
    clock.time += 599_999;
    content.fitWhenDue();
    expect(content.counters().fits).toBe(3);
  });
});
