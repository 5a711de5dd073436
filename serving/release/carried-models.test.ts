/** Models that a release holds as the one before it did, byte for byte: laid out once, and let go of once. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { itemId } from '../../schemas/ids.ts';
import { fileOfModel, type LearnedWeights, type ModelKind } from '../../schemas/release.ts';
import { promote } from '../../test/serving/promotion.ts';
import { type TrainedRelease, trainRelease, withFile } from '../../test/serving/release.fixture.ts';
import {
  item,
  openTestServing,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';

const IDS = Array.from({ length: 40 }, (_, index) => itemId(`film-${index}`));
const TURNS_MAX = 500;
const LAZY = { release: { ...DEFAULT_SERVING_OPTIONS.release, foldInMax: 0 } };
const WEIGHTS: LearnedWeights = { taste: { weight: 2, epsilon: 0.002, mass: 1 } };

const whole = await trainRelease({ version: 'whole', itemIds: IDS, hasSequences: true });
const other = await trainRelease({
  version: 'other',
  itemIds: IDS,
  hasSequences: true,
  seed: 2,
  dimensions: 4,
  weights: WEIGHTS,
});

/** The first with some models of the second, as a training of those alone leaves it. */
const retrained = (version: string, ...kinds: readonly ModelKind[]): TrainedRelease => {
  const given = kinds.reduce((release, kind) => {
    const file = fileOfModel(kind);
    const bytes = other.files.find(({ name }) => name === file)!.bytes;
    return withFile(release, file, () => bytes);
  }, whole);
  return { ...given, manifest: { ...whole.manifest, version } };
};

let world: World;
let under: TestServing;
beforeEach(async () => {
  world = new World();
  await world.putItems(...IDS.map((id) => item(id)));
  await world.act('u:ada', { item: 'film-0' }, { item: 'film-4' }, { item: 'film-7' });
  under = await openTestServing(world, LAZY);
});
afterEach(() => under.close());

const publish = ({ manifest, files }: TrainedRelease) =>
  world.artifactStore.publish(manifest, files);

const until = async (isSo: () => boolean): Promise<void> => {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (isSo()) return;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error(`not so after ${TURNS_MAX} turns`);
};

const status = () => under.serving.status().release!;

const use = async (version: string): Promise<void> => {
  const formerVersion = status().version;
  await promote(world.eventLog, version, { formerVersion, at: world.clock.now() });
  await until(() => status().version === version);
};

const partsOf = async (serving: TestServing) => {
  const url = '/v1/users/ada/recommendations?limit=40&diversity=0';
  const { items, models } = (await serving.get<ListAnswer>(url)).body;
  return { models, parts: items.map(({ itemId: id, parts }) => [id, parts]) };
};

/** Of a serving that knows no release but the newest. */
const partsAfresh = async () => {
  const fresh = await openTestServing(world, LAZY);
  const found = await partsOf(fresh);
  await fresh.close();
  return found;
};

it('people’s vectors outlive a swap that leaves the model of taste as it is', async () => {
  await publish(whole);
  await publish(retrained('next', 'next-item', 'ease'));
  await publish(retrained('taste', 'als'));
  await use('whole');
  await partsOf(under);
  expect(status().vectorsKept).toBe(1);
  await use('next');
  expect(status().vectorsKept).toBe(1);
  await use('taste');
  expect(status().vectorsKept).toBe(0);
});

it('[I6] lists are those of the release that they name, whichever it was loaded after', async () => {
  const releases = [
    whole,
    retrained('next', 'next-item'),
    retrained('both', 'next-item', 'als'),
    retrained('vectors', 'item2vec', 'graph', 'als'),
  ];
  for (const release of releases) await publish(release);
  const expected = new Map<string, Awaited<ReturnType<typeof partsAfresh>>>();
  for (const { manifest } of releases) {
    await use(manifest.version);
    expected.set(manifest.version, await partsAfresh());
  }
  expect(new Set([...expected.values()].map((found) => JSON.stringify(found.parts))).size).toBe(4);
  let memoryBytes = 0;
  for (let swap = 0; swap < 60; swap++) {
    // Now and then back to the one before.
    const place = swap % 7 === 6 ? swap - 2 : swap;
    const { version } = releases[(place * (1 + (swap % 2))) % releases.length]!.manifest;
    await use(version);
    expect(await partsOf(under)).toEqual(expected.get(version));
    if (swap === 30) memoryBytes = status().memoryBytes;
  }
  expect(status().memoryBytes).toBe(memoryBytes);
});

it('a release that is refused gives back nothing that the one in use holds', async () => {
  await publish(whole);
  const ease = fileOfModel('ease');
  const cut = withFile(retrained('cut', 'als'), ease, (bytes) => bytes.slice(0, bytes.length / 2));
  await publish(cut);
  await use('whole');
  const before = await partsOf(under);
  await promote(world.eventLog, 'cut', { formerVersion: 'whole', at: world.clock.now() });
  await until(() => status().refusedCount === 1);
  // Whatever was given back would be used by these.
  await publish(retrained('vectors', 'item2vec', 'graph'));
  await use('vectors');
  await use('whole');
  await world.clock.advance(2_000);
  expect(await partsOf(under)).toEqual(before);
});
