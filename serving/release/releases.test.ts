import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeModel, encodeModel, type ModelParts } from '../../algorithms/model/model-bytes.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { VectorAnswer } from '../../schemas/api/users.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { itemId } from '../../schemas/ids.ts';
import { fileOfModel, ITEMS_FILE, type ModelKind } from '../../schemas/release.ts';
import { promote } from '../../test/serving/promotion.ts';
import { type TrainedRelease, trainRelease, withFile } from '../../test/serving/release.fixture.ts';
import {
  item,
  openTestServing,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';
import type { ReleaseStatus } from './release-follower.ts';

const IDS = Array.from({ length: 40 }, (_, index) => itemId(`film-${index}`));
const LIST = '/v1/users/ada/recommendations';
const WHOLE_LIST = `${LIST}?limit=40&diversity=0`;
const NO_MODELS = {
  als: null,
  item2vec: null,
  graph: null,
  'next-item': null,
  ease: null,
  blend: null,
};
/** Turns of the event loop within which a switch is done: time plays no part. */
const TURNS_MAX = 400;

let world: World;
let under: TestServing;
let first: TrainedRelease;
let second: TrainedRelease;
beforeEach(async () => {
  world = new World();
  await world.putItems(...IDS.map((id) => item(id)));
  first = await trainRelease({ version: 'r1', itemIds: IDS, seed: 1 });
  second = await trainRelease({ version: 'r2', itemIds: IDS, seed: 2, dimensions: 4 });
  under = await openTestServing(world);
});
afterEach(() => under.close());

const publish = ({ manifest, files }: TrainedRelease) =>
  world.artifactStore.publish(manifest, files);

const statusOf = (serving = under.serving): ReleaseStatus => serving.status().release!;

/** Turns that it took. */
const until = async (isSo: () => boolean): Promise<number> => {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (isSo()) return turn;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error(`not so after ${TURNS_MAX} turns: ${JSON.stringify(statusOf())}`);
};

/** Nothing is under way that time plays no part in. */
const settled = (): Promise<number> => {
  let turns = 0;
  return until(() => ++turns > 10);
};

const use = async (version: string | null, formerVersion: string | null = null): Promise<void> => {
  await promote(world.eventLog, version, { formerVersion, at: world.clock.now() });
  await until(() => statusOf().version === version);
};

const list = async (url = LIST): Promise<ListAnswer> => (await under.get<ListAnswer>(url)).body;
const tasteOf = (answer: ListAnswer): Record<string, number> =>
  Object.fromEntries(answer.items.map(({ itemId: id, parts }) => [id, parts.taste ?? 0]));

const likesEven = () =>
  world.act('u:ada', { item: 'film-0', id: 'e-0' }, { item: 'film-4', id: 'e-4' });

describe('lists of a release', () => {
  it('go by taste: what people with this history like, named by the events that led there', async () => {
    await likesEven();
    expect((await list()).models).toEqual(NO_MODELS);
    expect((await list()).held).toContainEqual({
      part: 'taste',
      why: 'needs a trained model, have none',
    });
    await publish(first);
    await use('r1');
    const answer = await list(`${LIST}?limit=5&diversity=0`);
    expect(answer.rung).toBe('personalised');
    expect(answer.models).toEqual({ ...NO_MODELS, als: 'r1' });
    for (const entry of answer.items) {
      expect(Number(entry.itemId.slice(5)) % 2).toBe(0);
      expect(entry.parts.taste).toBeGreaterThan(0);
      const reason = entry.reasons.find(({ part }) => part === 'taste');
      expect(reason?.text).toMatch(/^To your taste: you liked film-[04]$/);
      expect(['e-0', 'e-4']).toContain(reason?.because[0]?.eventId);
    }
  });

  it('weigh an item by its share of what the model gives to all that it proposes', async () => {
    await likesEven();
    await publish(first);
    await use('r1');
    const history = { items: Uint32Array.of(0, 4), weights: Float32Array.of(1, 1), times: null };
    const scores = new Float64Array(IDS.length);
    first.models.als.score(history, scores);
    const proposed = [...scores.keys()].filter((k) => k !== 0 && k !== 4 && scores[k]! > 0);
    expect(proposed.length).toBeGreaterThan(10);
    const { weight, epsilon, mass } = DEFAULT_SERVING_OPTIONS.ladder.parts.taste;
    const total = proposed.reduce((sum, k) => sum + scores[k]!, mass);
    const parts = tasteOf(await list(WHOLE_LIST));
    for (const [k, id] of IDS.entries()) {
      const share = proposed.includes(k) ? scores[k]! / total : 0;
      expect([id, parts[id] ?? 0]).toEqual([
        id,
        expect.closeTo(weight * Math.log1p(share / epsilon), 3),
      ]);
    }
  });

  it('change with the next event of the person, with no training between', async () => {
    await publish(first);
    await use('r1');
    await likesEven();
    const before = tasteOf(await list());
    await world.act('u:ada', { item: 'film-7' }, { item: 'film-9' }, { item: 'film-11' });
    expect(tasteOf(await list())).not.toEqual(before);
  });

  it('are of the next release from the switch on, cached ones as well', async () => {
    await likesEven();
    await publish(first);
    await publish(second);
    await use('r1');
    const before = await list();
    expect((await list()).listId).toBe(before.listId);
    await use('r2', 'r1');
    const after = await list();
    expect(after.models.als).toBe('r2');
    expect(tasteOf(after)).not.toEqual(tasteOf(before));
    await use('r1', 'r2');
    expect(tasteOf(await list())).toEqual(tasteOf(before));
    await use(null, 'r1');
    expect((await list()).models.als).toBeNull();
    expect(statusOf()).toMatchObject({ version: null, swaps: 4, items: 0 });
  });

  it('weigh parts as the release has learned, and by hand where it says nothing', async () => {
    await likesEven();
    await publish(first);
    await publish(
      await trainRelease({
        version: 'r3',
        itemIds: IDS,
        weights: { taste: { weight: 5, epsilon: 0.002, mass: 1 } },
      }),
    );
    await use('r1');
    const byHand = tasteOf(await list(WHOLE_LIST));
    await use('r3');
    const answer = await list(WHOLE_LIST);
    expect(answer.models).toEqual({ ...NO_MODELS, als: 'r3', blend: 'r3' });
    for (const [id, part] of Object.entries(tasteOf(answer))) {
      expect(part).toBeCloseTo(5 * byHand[id]!, 4);
    }
  });

  it('blend all models that the release holds, and look for nothing that weighs nothing', async () => {
    const weights = { graph: { weight: 0, epsilon: 0.002, mass: 0 } };
    await likesEven();
    await publish(
      await trainRelease({ version: 'all', itemIds: IDS, hasSequences: true, weights }),
    );
    await use('all');
    const answer = await list(WHOLE_LIST);
    expect(answer.models).toEqual({
      als: 'all',
      item2vec: 'all',
      'next-item': 'all',
      ease: 'all',
      blend: 'all',
    });
    const parts = new Set(answer.items.flatMap((entry) => Object.keys(entry.parts)));
    for (const part of ['taste', 'embedding', 'sequence', 'habit']) expect(parts).toContain(part);
    expect(parts).not.toContain('graph');
    for (const { reasons } of answer.items) {
      for (const { part, because } of reasons) {
        if (part === 'taste' || part === 'sequence') expect(because.length).toBeGreaterThan(0);
      }
    }
    for (const by of ['taste', 'embedding', 'graph'] as const) {
      const similar = await list(`/v1/items/film-2/similar?by=${by}&limit=3`);
      expect(similar.held ?? []).toEqual([]);
      expect(Object.keys(similar.items[0]!.parts)).toEqual([by]);
    }
    const next = await list('/v1/items/film-2/next?limit=3');
    expect(next.models['next-item']).toBe('all');
    expect(next.items[0]!.reasons[0]!.text).toBe('Often comes next after film-2');
  });

  it('go by the same models for an anonymous session, and for a history that is posted', async () => {
    const liked = ['film-0', 'film-4'];
    const deeds = liked.map((id) => ({ item: id }));
    await world.act('s:visit', ...deeds);
    await world.act('u:ada', ...deeds);
    await publish(await trainRelease({ version: 'all', itemIds: IDS, hasSequences: true }));
    await use('all');
    const ofSession = await list('/v1/sessions/visit/recommendations?limit=40&diversity=0');
    const ofPerson = await list(WHOLE_LIST);
    const posted = await under.app.inject({
      method: 'POST',
      url: '/v1/recommendations',
      payload: {
        limit: 40,
        diversity: 0,
        events: liked.map((id) => ({ itemId: id, kind: 'like' })),
      },
    });
    const partsOf = ({ items }: ListAnswer) => items.map((entry) => [entry.itemId, entry.parts]);
    expect(partsOf(ofSession)).toEqual(partsOf(ofPerson));
    expect(partsOf(posted.json() as ListAnswer)).toEqual(partsOf(ofPerson));
    expect(ofSession.rung).toBe('session');
    const { models, items } = ofSession;
    expect(models).toMatchObject({ als: 'all', item2vec: 'all', graph: 'all', 'next-item': 'all' });
    for (const part of ['taste', 'embedding', 'graph', 'sequence', 'habit']) {
      expect(items.some(({ parts }) => (parts[part] ?? 0) > 0)).toBe(true);
    }
  });

  it('answer what is like an item to a taste', async () => {
    await publish(first);
    await use('r1');
    const answer = await list('/v1/items/film-2/similar?by=taste&limit=5');
    expect(answer.items.map(({ itemId: id }) => Number(id.slice(5)) % 2)).toEqual([0, 0, 0, 0, 0]);
    expect(answer.items[0]?.reasons[0]?.text).toBe('For the same taste as film-2');
  });

  it('know nothing of items that came after it, and rank them by all else', async () => {
    await publish(first);
    await use('r1');
    await world.putItems(item('newcomer'));
    await world.act('u:bob', { item: 'newcomer' });
    const { body } = await under.get<ListAnswer>('/v1/users/bob/recommendations');
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.models).toEqual({
      item2vec: null,
      graph: null,
      'next-item': null,
      ease: null,
      blend: null,
    });
  });
});

describe('what a release makes of a person and of new items', () => {
  it('is told as the person’s vector with its release and state', async () => {
    const answerOf = async () => (await under.get<VectorAnswer>('/v1/users/ada/vector')).body;
    await likesEven();
    expect(await answerOf()).toMatchObject({ release: null, vector: null });
    await publish(first);
    await use('r1');
    const { release, vector, asOf } = await answerOf();
    const history = { items: Uint32Array.of(0, 4), weights: Float32Array.of(1, 1), times: null };
    expect(release).toBe('r1');
    expect(vector).toEqual([...first.models.als.vectorOf(history)]);
    expect(asOf.offset).toBe(1);
    expect(statusOf().vectorsKept).toBe(1);
    expect((await under.get<VectorAnswer>('/v1/users/nobody/vector')).body.vector).toBeNull();
  });

  it('reaches items that came after it, by those that people chose them with', async () => {
    await likesEven();
    await publish(first);
    await use('r1');
    await world.putItems(item('newcomer'));
    await world.putItemStates({
      newcomer: {
        popularity: 3,
        pairs: [
          { to: 'film-2', forward: 5 },
          { to: 'film-8', forward: 5 },
        ],
      },
    });
    await list();
    await world.clock.advance(2_000);
    const answer = await list(WHOLE_LIST);
    const entry = answer.items.find(({ itemId: id }) => id === 'newcomer');
    expect(entry?.parts.taste).toBeGreaterThan(0);
    const reason = entry?.reasons.find(({ part }) => part === 'taste');
    expect(['e-0', 'e-4']).toContain(reason?.because[0]?.eventId);
    expect(statusOf().newItems).toEqual({ withVector: 1, waiting: 0, beyond: 0 });
  });
});

describe('a release that is not fit to serve', () => {
  const spoiled = async (): Promise<readonly (readonly [TrainedRelease, RegExp])[]> => {
    const als = fileOfModel('als');
    const rewritten = (change: (parts: ReturnType<typeof decodeModel>) => object) =>
      withFile(second, als, (bytes) => {
        const parts = decodeModel(bytes, 'implicit-als/1');
        return encodeModel({ ...parts, ...change(parts) });
      });
    const notFinite = (value: number) =>
      rewritten(({ arrays }) => ({
        arrays: { factors: Float32Array.from(arrays.factors!).fill(value, 17, 18) },
      }));
    const weighing = async (weight: number) =>
      trainRelease({
        version: 'bad',
        itemIds: IDS,
        weights: { together: { weight, epsilon: 0.002, mass: 0 } },
      });
    return [
      [notFinite(Number.NaN), /finite/],
      [notFinite(Number.NEGATIVE_INFINITY), /finite/],
      [withFile(second, als, (bytes) => bytes.slice(0, bytes.length / 2)), /all of array factors/],
      [withFile(second, als, () => undefined), /als\.model, got none/],
      [withFile(second, ITEMS_FILE, () => undefined), /items\.json, got none/],
      [withFile(second, ITEMS_FILE, () => Buffer.from('["a"]')), /1 to 1 items, got 40/],
      [withFile(second, ITEMS_FILE, () => Buffer.from('["a","a"]')), /distinct ids/],
      [withFile(second, ITEMS_FILE, () => Buffer.from('["a",7]')), /distinct ids/],
      [withFile(second, ITEMS_FILE, () => Buffer.from('{}')), /a list of ids/],
      [withFile(second, ITEMS_FILE, () => Buffer.from('[')), /JSON/],
      [withFile(second, als, () => Buffer.from('no model at all, by far')), /FRMODEL1/],
      [
        rewritten(({ facts }) => ({
          facts: { ...facts, options: { ...(facts.options as object), dimensions: 7 } },
        })),
        /numbers in array factors/,
      ],
      [await weighing(-1), /together/],
      [await weighing(Number.NaN), /together/],
      ...(await spoiledSequences()),
      [
        {
          ...second,
          manifest: { ...second.manifest, facts: { ...second.manifest.facts, format: 2 as 1 } },
        },
        /format 1/,
      ],
    ];
  };

  const spoiledSequences = async () => {
    const whole = await trainRelease({ version: 'whole', itemIds: IDS, hasSequences: true });
    const changed = (kind: ModelKind, format: string, change: (parts: ModelParts) => object) =>
      withFile(whole, fileOfModel(kind), (bytes) => {
        const parts = decodeModel(bytes, format);
        return encodeModel({ ...parts, ...change(parts) });
      });
    const spoil = (name: string, value: number) => (parts: ModelParts) => ({
      arrays: {
        ...parts.arrays,
        [name]: (parts.arrays[name] as Float32Array).slice().fill(value, 3, 4),
      },
    });
    const nextItem = 'next-item/1';
    return [
      [
        changed('item2vec', 'item2vec/1', spoil('inputs', Number.NaN)),
        /finite numbers in item2vec/,
      ],
      [
        changed('graph', 'graph-embedding/1', spoil('outputs', Infinity)),
        /finite numbers in graph/,
      ],
      [changed('next-item', nextItem, spoil('values', Number.NaN)), /finite weights/],
      [changed('next-item', nextItem, spoil('columns', 9_999)), /rising columns/],
      [changed('next-item', nextItem, spoil('lengths', 499)), /weights of all rows/],
      [
        changed('next-item', nextItem, ({ facts }) => ({ facts: { ...facts, itemCount: 7 } })),
        /each of 7 items/,
      ],
    ] as const;
  };

  it('is refused with its reason, and the one in use goes on serving', async () => {
    await likesEven();
    await publish(first);
    await use('r1');
    const before = tasteOf(await list());
    const bad = await spoiled();
    for (const [index, [release, reason]] of bad.entries()) {
      const version = `bad-${index}`;
      await publish({ ...release, manifest: { ...release.manifest, version } });
      await promote(world.eventLog, version, { formerVersion: 'r1', at: world.clock.now() });
      await until(() => statusOf().refusedCount === index + 1);
      expect(statusOf().refused.at(-1)).toMatchObject({
        version,
        reason: expect.stringMatching(reason),
      });
      expect(under.serving.status().notices.join()).toContain(`Release ${version} was refused`);
    }
    expect(statusOf()).toMatchObject({ version: 'r1', swaps: 1 });
    expect(under.serving.status().problems).toEqual([]);
    await world.clock.advance(2_000);
    expect(tasteOf(await list())).toEqual(before);
    await publish(second);
    await use('r2', 'r1');
    expect(under.serving.status().notices).toEqual([]);
  });

  it('leaves no trace of its items where it names others than the catalogue', async () => {
    await publish(first);
    await use('r1');
    const { slots } = under.serving.status().memory;
    const foreign = await trainRelease({
      version: 'foreign',
      itemIds: IDS.map((id) => itemId(`foreign-${id}`)),
    });
    const als = fileOfModel('als');
    await publish(withFile(foreign, als, (bytes) => bytes.slice(0, bytes.length / 2)));
    await promote(world.eventLog, 'foreign', { at: world.clock.now() });
    await until(() => statusOf().refusedCount === 1);
    expect(under.serving.status().memory.slots).toBe(slots);
  });

  it('is one that is missing, or damaged in the store', async () => {
    await publish(first);
    await use('r1');
    await promote(world.eventLog, 'nowhere', { at: world.clock.now() });
    await until(() => statusOf().refusedCount === 1);
    await publish(second);
    world.artifactStore.damage('r2', fileOfModel('als'));
    await promote(world.eventLog, 'r2', { at: world.clock.now() });
    await until(() => statusOf().refusedCount === 2);
    expect(statusOf().refused.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('release nowhere'),
      expect.stringContaining('r2'),
    ]);
    expect(statusOf().version).toBe('r1');
  });
});

describe('following promotions', () => {
  it('starts with the newest one, with nothing but log and store', async () => {
    await publish(first);
    await publish(second);
    await use('r1');
    await use('r2', 'r1');
    const again = await openTestServing(world);
    expect(statusOf(again.serving)).toMatchObject({ version: 'r2', swaps: 1 });
    await again.close();
  });

  it('asks a store that does not answer again, and says so; meanwhile the one in use stays', async () => {
    await publish(first);
    await publish(second);
    await use('r1');
    const { artifactStore } = world;
    const read = artifactStore.read.bind(artifactStore);
    let asked = 0;
    artifactStore.read = () => {
      asked += 1;
      return Promise.reject(new FreshetError('warehouse_unavailable', { problem: 'away' }));
    };
    await promote(world.eventLog, 'r2', { formerVersion: 'r1', at: world.clock.now() });
    const notices = (): string => under.serving.status().notices.join();
    await until(() => /Release r2 cannot be read now.*is r1/.test(notices()));
    await settled();
    await world.clock.advance(DEFAULT_SERVING_OPTIONS.release.retryMs);
    await until(() => asked === 2);
    await settled();
    expect(statusOf()).toMatchObject({ version: 'r1', refusedCount: 0 });
    artifactStore.read = read;
    await world.clock.advance(DEFAULT_SERVING_OPTIONS.release.retryMs);
    await until(() => statusOf().version === 'r2');
    expect(notices()).toBe('');
  });

  it('asks for a release no more once another was promoted', async () => {
    await publish(first);
    await publish(second);
    const { artifactStore } = world;
    const read = artifactStore.read.bind(artifactStore);
    const asked: string[] = [];
    artifactStore.read = (version) => {
      asked.push(version);
      if (version === 'r1') return read(version);
      return Promise.reject(new FreshetError('warehouse_unavailable', { problem: 'away' }));
    };
    await promote(world.eventLog, 'r2', { at: world.clock.now() });
    await until(() => asked.length === 1);
    await settled();
    await use('r1', 'r2');
    await world.clock.advance(3 * DEFAULT_SERVING_OPTIONS.release.retryMs);
    expect(asked).toEqual(['r2', 'r1']);
    expect(statusOf()).toMatchObject({ version: 'r1', refusedCount: 0 });
    artifactStore.read = read;
  });

  it('starts with the former one where the newest is damaged', async () => {
    await publish(first);
    await publish(second);
    await use('r1');
    await use('r2', 'r1');
    world.artifactStore.damage('r2', fileOfModel('als'));
    const again = await openTestServing(world);
    expect(statusOf(again.serving)).toMatchObject({ version: 'r1', refusedCount: 1 });
    expect(again.serving.status().notices.join()).toContain('In use is r1.');
    await again.close();
  });

  it('rolls back within a few turns of the event loop, also while another is being loaded', async () => {
    const large = await trainRelease({
      version: 'large',
      itemIds: Array.from({ length: 6_000 }, (_, index) => itemId(`film-${index}`)),
      dimensions: 3,
    });
    await publish(first);
    await publish(large);
    await use('r1');
    await promote(world.eventLog, 'large', { formerVersion: 'r1', at: world.clock.now() });
    for (let turn = 0; turn < 6; turn++) await new Promise((done) => setImmediate(done));
    expect(statusOf().version).toBe('r1');
    await promote(world.eventLog, null, { formerVersion: 'large', at: world.clock.now() });
    expect(await until(() => statusOf().version === null)).toBeLessThan(20);
    expect(statusOf().refusedCount).toBe(0);
  });

  it('rolls back to the one before with nothing read, as what the world is by then', async () => {
    await likesEven();
    await publish(first);
    await publish(second);
    await use('r1');
    const before = tasteOf(await list(WHOLE_LIST));
    await use('r2', 'r1');
    await world.putItems(item('newcomer'));
    await world.putItemStates({ newcomer: { pairs: [{ to: 'film-2', forward: 5 }] } });
    world.artifactStore.damage('r1', fileOfModel('als'));
    await promote(world.eventLog, 'r1', { formerVersion: 'r2', at: world.clock.now() });
    expect(await until(() => statusOf().version === 'r1')).toBeLessThan(20);
    expect(statusOf()).toMatchObject({ refusedCount: 0, newItems: { waiting: 1 } });
    for (const [id, part] of Object.entries(tasteOf(await list(WHOLE_LIST)))) {
      if (id !== 'newcomer') expect(part).toBeCloseTo(before[id]!, 0);
    }
  });

  it('passes over control records that are no promotions or cannot be read', async () => {
    await publish(first);
    const { eventLog, clock } = world;
    const append = (value: Uint8Array | null) =>
      eventLog.append('control', 0 as never, [
        { key: new TextEncoder().encode('promotion'), value, timestamp: clock.now() },
      ]);
    await append(null);
    await append(new Uint8Array([1, 2, 3]));
    await use('r1');
  });

  it('gives back what a thousand releases took', async () => {
    await publish(first);
    await publish(second);
    await publish(await trainRelease({ version: 'r3', itemIds: IDS, seed: 3 }));
    const third = (swap: number): string => `r${1 + (swap % 3)}`;
    for (let swap = 0; swap < 4; swap++) await use(third(swap));
    const { memoryBytes } = statusOf();
    for (let swap = 4; swap < 1_000; swap++) await use(third(swap));
    expect(statusOf()).toMatchObject({ swaps: 1_000, refusedCount: 0, memoryBytes });
  });
});
