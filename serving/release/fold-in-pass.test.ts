/** Vectors made behind a switch: whose first, until when, and that nobody can tell them from a list's own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { atOnce } from '../../algorithms/model/pieces.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { itemId, type SubjectId, subjectOfUser, userId } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import { promote } from '../../test/serving/promotion.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import {
  item,
  openTestServing,
  PARTITIONS,
  settled,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { Catalogue } from '../catalogue.ts';
import { ItemSlots } from '../item-slots.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';
import { RecentlyActive } from '../people/recently-active.ts';
import { type Profile, profileOf } from '../profile.ts';
import { RememberedStates } from '../remembered-states.ts';
import { SubjectReader } from '../subject-reader.ts';
import { FoldInPass } from './fold-in-pass.ts';
import { loadedRelease } from './release-loader.ts';
import type { ServingRelease } from './serving-release.ts';

const IDS = Array.from({ length: 40 }, (_, index) => itemId(`film-${index}`));
const { ladder, release: OPTIONS } = DEFAULT_SERVING_OPTIONS;
const TURNS_MAX = 500;

const first = await trainRelease({ version: 'r1', itemIds: IDS, seed: 1 });
const second = await trainRelease({ version: 'r2', itemIds: IDS, seed: 2, dimensions: 4 });

let world: World;
beforeEach(async () => {
  world = new World();
  await world.putItems(...IDS.map((id) => item(id)));
  for (const { manifest, files } of [first, second]) {
    await world.artifactStore.publish(manifest, files);
  }
});

const until = async (isSo: () => boolean): Promise<void> => {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (isSo()) return;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error(`not so after ${TURNS_MAX} turns`);
};

/** Reads of people's states stand still between `hold` and `letGo`, with what they have read. */
class HeldReads {
  readonly asked: string[] = [];
  #gate: Promise<void> = Promise.resolve();
  letGo: () => void = () => undefined;

  constructor(store: World['stateStore']) {
    const getMany = store.getMany.bind(store);
    store.getMany = async (partition, keys) => {
      this.asked.push(...keys);
      const found = await getMany(partition, keys);
      await this.#gate;
      return found;
    };
  }

  hold(): void {
    this.#gate = new Promise((done) => {
      this.letGo = done;
    });
  }
}

const passes: FoldInPass[] = [];
afterEach(async () => {
  for (const pass of passes.splice(0)) await pass.stop();
});

const openPass = (given: { watched?: readonly string[]; peopleMax?: number } = {}) => {
  const { watched = [], peopleMax = 100 } = given;
  const slots = new ItemSlots();
  const profiles = { slots, kinds: kindTable(DEFAULT_KINDS), ladder };
  const reads = new HeldReads(world.stateStore);
  const active = new RecentlyActive({
    stateStore: world.stateStore,
    max: 100,
    partitionCount: PARTITIONS.userPartitions,
  });
  const subjects = new SubjectReader({
    stateStore: world.stateStore,
    partitionCount: PARTITIONS.userPartitions,
    remembered: new RememberedStates({ statesMax: 0 }),
    isBehind: () => false,
    look: async () => undefined,
  });
  const pass = new FoldInPass({
    watched: () => watched.map((subject) => subjectKey(subject)),
    active,
    subjects,
    profiles,
    clock: world.clock,
    peopleMax,
    logger: silentLogger,
  });
  passes.push(pass);
  const load = async (version: string): Promise<ServingRelease> => {
    const nothing = new Float32Array(0);
    return atOnce(
      loadedRelease(await world.artifactStore.read(version), {
        engine: inlineEngine(),
        slots,
        ladder,
        options: OPTIONS,
        ground: {
          catalogue: new Catalogue(slots),
          content: { neighboursOf: () => nothing },
          itemIndex: { neighboursOf: () => nothing, pairScale: () => 1 },
        },
      }),
    );
  };
  const act = async (subject: string, ...films: readonly number[]): Promise<void> => {
    await world.act(subject, ...films.map((film) => ({ item: `film-${film}` })));
    active.changed([subjectKey(subject)]);
  };
  const profile = async (subject: string): Promise<Profile> => {
    const state = await subjects.read(subjects.ofKey(subjectKey(subject)));
    return profileOf(subject as SubjectId, state!, world.clock.now(), profiles);
  };
  const readSoFar = (): string[] =>
    reads.asked.splice(0).map((key) => key.slice('subject:'.length));
  return { pass, reads, active, load, act, profile, readSoFar };
};

describe('behind a switch', () => {
  it('[I7] vectors are made of who has a page open first, then of who acted last, and it ends', async () => {
    const watched = ['s:visit', 'u:reader'];
    const { pass, load, act, readSoFar } = openPass({ watched });
    for (const person of ['u:1', 'u:2', 'u:reader', 'u:3', 'u:4', 'u:1', 'u:5']) {
      await act(person, 0, 4);
    }
    await world.act('s:visit', { item: 'film-6' });
    const release = await load('r1');
    readSoFar();
    pass.switchTo(release);
    expect(pass.counts()).toEqual({ done: 0, left: 7 });
    await until(() => pass.counts().left === 0);
    expect(readSoFar()).toEqual(['s:visit', 'u:reader', 'u:5', 'u:1', 'u:4', 'u:3', 'u:2']);
    expect(pass.counts()).toEqual({ done: 7, left: 0 });
    expect(release.taste!.vectorsKept).toBe(7);
    await settled();
    expect(readSoFar()).toEqual([]);
  });

  it('[I7] the vectors are those that a list would have made, to the bit', async () => {
    const { pass, load, act, profile } = openPass();
    const people = Array.from({ length: 9 }, (_, person) => `u:${person}`);
    for (const [person, subject] of people.entries()) {
      await act(subject, person, (person * 7 + 3) % 40, (person * 11 + 5) % 40);
    }
    await world.act('u:3', { item: 'film-1', kind: 'dislike' });
    const [ahead, lazy] = [await load('r1'), await load('r1')];
    pass.switchTo(ahead);
    await until(() => pass.counts().left === 0);
    expect(ahead.taste!.vectorsKept).toBe(people.length);
    for (const subject of people) {
      const kept = ahead.taste!.vectorOf(await profile(subject));
      expect(kept).toEqual(lazy.taste!.vectorOf(await profile(subject)));
    }
  });

  it('the next switch ends it, and nothing more is made under the release that it left', async () => {
    const { pass, reads, load, act } = openPass();
    for (let person = 0; person < 20; person++) await act(`u:${person}`, person);
    const [left, next] = [await load('r1'), await load('r2')];
    reads.hold();
    pass.switchTo(left);
    await settled();
    pass.switchTo(next);
    expect(pass.counts()).toEqual({ done: 0, left: 20 });
    reads.letGo();
    await until(() => pass.counts().left === 0);
    expect(left.taste!.vectorsKept).toBe(0);
    expect(next.taste!.vectorsKept).toBe(20);
    pass.switchTo(undefined);
    expect(pass.counts()).toEqual({ done: 0, left: 0 });
  });

  it('it begins again where states may be others, and takes nothing of what was read before', async () => {
    const { pass, reads, load, act, profile } = openPass();
    await act('u:ada', 0, 2);
    const release = await load('r1');
    reads.hold();
    pass.switchTo(release);
    await settled();
    await world.putSubject('u:ada', { history: [] });
    pass.again();
    reads.letGo();
    await until(() => pass.counts().left === 0);
    expect(release.taste!.vectorsKept).toBe(0);
    expect(release.taste!.vectorOf(await profile('u:ada'))).toBeUndefined();
  });

  it('a stop ends it, and people beyond the cap or gone are passed over', async () => {
    const { pass, reads, active, load, act, readSoFar } = openPass({ peopleMax: 6 });
    for (let person = 0; person < 10; person++) await act(`u:${person}`, person);
    await world.removeSubject('u:9');
    const release = await load('r1');
    readSoFar();
    pass.switchTo(release);
    await until(() => pass.counts().left === 0);
    expect(readSoFar()).toEqual(['u:9', 'u:8', 'u:7', 'u:6', 'u:5', 'u:4']);
    expect(release.taste!.vectorsKept).toBe(5);
    expect(active.newestFirst()).not.toContain(subjectKey('u:9'));
    reads.hold();
    pass.switchTo(await load('r2'));
    await settled();
    const stopped = pass.stop();
    reads.letGo();
    await stopped;
    expect(pass.counts()).toEqual({ done: 0, left: 6 });
  });

  it('a store that is away ends it, and vectors are made when lists need them', async () => {
    const { pass, load, act } = openPass();
    await act('u:ada', 0, 2);
    const release = await load('r1');
    world.stateStore.isAway = true;
    pass.switchTo(release);
    await until(() => pass.counts().left === 0);
    expect(release.taste!.vectorsKept).toBe(0);
  });
});

describe('lists beside it', () => {
  let under: TestServing;
  afterEach(() => under.close());

  const use = async (version: string): Promise<void> => {
    await promote(world.eventLog, version, { at: world.clock.now() });
    await until(() => under.serving.status().release!.version === version);
  };
  const partsOf = async (serving: TestServing, person: string) => {
    const url = `/v1/users/${person}/recommendations?limit=40&diversity=0`;
    const { items } = (await serving.get<ListAnswer>(url)).body;
    return items.map(({ itemId: id, parts }) => [id, parts]);
  };
  const lazyPartsOf = async (person: string) => {
    const lazy = await openTestServing(world, { release: { ...OPTIONS, foldInMax: 0 } });
    const parts = await partsOf(lazy, person);
    expect(lazy.serving.status().foldIn).toEqual({ done: 0, left: 0 });
    await lazy.close();
    return parts;
  };

  it('go by what somebody does while it is at work, whichever vector was made last', async () => {
    const reads = new HeldReads(world.stateStore);
    under = await openTestServing(world);
    await world.act('u:ada', { item: 'film-0' }, { item: 'film-4' });
    reads.hold();
    await use('r1');
    await until(() => reads.asked.includes(subjectKey(subjectOfUser(userId('ada')))));
    const waiting = reads.letGo;
    // From here on only the pass waits, with what it read before.
    reads.hold();
    reads.letGo();
    await world.act('u:ada', { item: 'film-7' }, { item: 'film-9' }, { item: 'film-11' });
    const before = await partsOf(under, 'ada');
    waiting();
    await until(() => under.serving.status().foldIn.left === 0);
    await world.clock.advance(2_000);
    expect(await partsOf(under, 'ada')).toEqual(before);
    expect(before).toEqual(await lazyPartsOf('ada'));
  });

  it('find the vectors made, also those of who acted before a start', async () => {
    under = await openTestServing(world);
    for (const person of ['u:ada', 'u:bob', 's:visit']) await world.act(person, { item: 'film-2' });
    await use('r1');
    await until(() => under.serving.status().foldIn.left === 0);
    expect(under.serving.status()).toMatchObject({
      foldIn: { done: 3 },
      release: { vectorsKept: 3 },
    });
    await under.close();
    under = await openTestServing(world);
    await until(() => under.serving.status().foldIn.done === 3);
    expect(under.serving.status().release!.vectorsKept).toBe(3);
    expect(await partsOf(under, 'bob')).toEqual(await lazyPartsOf('bob'));
    expect(under.serving.status().release!.vectorsKept).toBe(3);
  });
});
