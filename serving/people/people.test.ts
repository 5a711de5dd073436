/** People alike: in lists, and asked for by name. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { SimilarPeopleAnswer } from '../../schemas/api/users.ts';
import type { SubjectId } from '../../schemas/ids.ts';
import {
  item,
  openTestServing,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';

/** Of no category, tag or person: nothing but people leads from one to another. */
const FILMS = ['heat', 'ronin', 'thief', 'bullitt', 'alone', 'other'].map((id) =>
  item(id, { title: id.toUpperCase() }),
);
const SAME_TASTE = ['heat', 'ronin', 'thief'].map((film) => ({ item: film, kind: 'like' }));

/** As if a training had found that people alike add something. */
const { ladder } = DEFAULT_SERVING_OPTIONS;
const WEIGHED = {
  ladder: { ...ladder, parts: { ...ladder.parts, people: { ...ladder.parts.people, weight: 1 } } },
};

let under: TestServing;
beforeEach(async () => {
  const world = new World();
  await world.putItems(...FILMS);
  under = await openTestServing(world, WEIGHED);
});
afterEach(() => under.close());

const like = (person: string, ...films: readonly string[]) =>
  under.world.act(person, ...films.map((film) => ({ item: film, kind: 'like' })));
const listOf = async (person: string): Promise<ListAnswer> =>
  (await under.get<ListAnswer>(`/v1/users/${person}/recommendations`)).body;
const partOf = (list: ListAnswer, id: string): number =>
  list.items.find(({ itemId }) => itemId === id)?.parts.people ?? 0;

describe('people with a similar history', () => {
  it('bring what three of them chose, say so, and name the events that made them alike', async () => {
    for (const person of ['u:1', 'u:2', 'u:3']) await like(person, 'heat', 'ronin', 'bullitt');
    await like('u:ada', 'heat', 'ronin');
    await under.serving.poll();
    const list = await listOf('ada');
    expect(list.items[0]?.itemId).toBe('bullitt');
    expect(partOf(list, 'bullitt')).toBeGreaterThan(0);
    const [reason] = list.items[0]!.reasons.filter(({ part }) => part === 'people');
    expect(reason?.text).toMatch(
      /^Chosen by people with a similar history: you liked (HEAT|RONIN)$/,
    );
    expect(reason?.because.map(({ itemId }) => itemId).sort()).toEqual(['heat', 'ronin']);
    expect(list.rung).toBe('personalised');
  });

  it('bring nothing that only two of them chose, and the list says what is missing', async () => {
    for (const person of ['u:1', 'u:2']) await like(person, 'heat', 'ronin', 'alone');
    await like('u:ada', 'heat', 'ronin');
    await under.serving.poll();
    const list = await listOf('ada');
    expect(partOf(list, 'alone')).toBe(0);
    const why = 'needs 3 people with a similar history, have 2';
    expect(list.held).toContainEqual({ part: 'people', why });
  });

  it('bring nothing any more of somebody whose state is gone', async () => {
    for (const person of ['u:1', 'u:2', 'u:3']) await like(person, 'heat', 'ronin', 'bullitt');
    await like('u:ada', 'heat', 'ronin');
    await under.serving.poll();
    expect(partOf(await listOf('ada'), 'bullitt')).toBeGreaterThan(0);
    await under.world.removeSubject('u:2');
    await under.serving.poll();
    // A list is kept for a second.
    await under.world.clock.advance(1_001);
    expect(partOf(await listOf('ada'), 'bullitt')).toBe(0);
    const { body } = await under.get<SimilarPeopleAnswer>('/v1/users/ada/similar');
    expect(body.people.map(({ userId }) => userId).sort()).toEqual(['1', '3']);
  });

  it('do not name whoever was let go of, also where no hint told that they are gone', async () => {
    for (const person of ['u:1', 'u:2']) await like(person, 'heat', 'ronin');
    await like('u:ada', 'heat', 'ronin');
    await under.serving.poll();
    const named = async (): Promise<readonly string[]> => {
      const { body } = await under.get<SimilarPeopleAnswer>('/v1/users/ada/similar');
      return body.people.map(({ userId }) => userId).sort();
    };
    expect(await named()).toEqual(['1', '2']);
    under.serving.letGoOf('u:2' as SubjectId);
    expect(await named()).toEqual(['1']);
  });

  it('are not looked for, and nothing is said of them, where they weigh nothing', async () => {
    const byDefault = await openTestServing(under.world);
    for (const person of ['u:1', 'u:2', 'u:3']) await like(person, 'heat', 'ronin', 'bullitt');
    await like('u:ada', 'heat', 'ronin');
    await byDefault.serving.poll();
    const { body } = await byDefault.get<ListAnswer>('/v1/users/ada/recommendations');
    expect(body.items.some(({ parts }) => 'people' in parts)).toBe(false);
    expect((body.held ?? []).map(({ part }) => part)).not.toContain('people');
    const { body: similar } = await byDefault.get<SimilarPeopleAnswer>('/v1/users/ada/similar');
    expect(similar.people).toHaveLength(3);
    await byDefault.close();
  });

  it('are people: anonymous sessions are nobody to be like', async () => {
    for (const session of ['s:1', 's:2', 's:3']) await like(session, 'heat', 'ronin', 'bullitt');
    await like('u:ada', 'heat', 'ronin');
    await under.serving.poll();
    expect(partOf(await listOf('ada'), 'bullitt')).toBe(0);
    expect(under.serving.status().people.held).toBe(1);
  });
});

describe('GET /v1/users/{id}/similar', () => {
  const similarTo = async (person: string, query = ''): Promise<SimilarPeopleAnswer['people']> =>
    (await under.get<SimilarPeopleAnswer>(`/v1/users/${person}/similar${query}`)).body.people;

  it('tells who is alike, how much, and what they share', async () => {
    await under.world.act('u:twin', ...SAME_TASTE);
    await under.world.act('u:half', SAME_TASTE[0]!, SAME_TASTE[1]!, { item: 'other' });
    await under.world.act('u:far', { item: 'other' }, { item: 'alone' });
    await under.world.act('u:ada', ...SAME_TASTE);
    await under.serving.poll();
    const people = await similarTo('ada');
    expect(people.map(({ userId }) => userId)).toEqual(['twin', 'half']);
    expect(people[0]).toMatchObject({ likeness: 1, sharedCount: 3 });
    expect(people[0]!.shared).toContainEqual({ itemId: 'thief', title: 'THIEF' });
    expect(people[1]!.likeness).toBeLessThan(1);
    expect(await similarTo('ada', '?limit=1')).toHaveLength(1);
  });

  it('answers nobody to somebody of whom nothing is known', async () => {
    expect(await similarTo('nobody')).toEqual([]);
  });
});

describe('the people kept in memory', () => {
  it('are read from the state after a start, and no more of them than there is room for', async () => {
    const world = new World();
    await world.putItems(...FILMS);
    for (let person = 0; person < 40; person++) {
      await world.act(`u:${person}`, { item: 'heat' }, { item: 'ronin' });
    }
    const people = { ...DEFAULT_SERVING_OPTIONS.people, peopleMax: 30 };
    const restarted = await openTestServing(world, { ...WEIGHED, people });
    await restarted.serving.poll();
    expect(restarted.serving.status().people).toMatchObject({ held: 30, max: 30, waiting: 0 });
    await restarted.close();
  });

  it('are after a start those who acted last, wherever in the state they stand', async () => {
    const world = new World();
    await world.putItems(...FILMS);
    const newest: string[] = [];
    for (let person = 0; person < 60; person++) {
      // In no order that has to do with their ids.
      const minutesAgo = (person * 37) % 60;
      const at = world.clock.now() - 60_000 * minutesAgo;
      await world.act(`u:${person}`, { item: 'heat', at }, { item: 'ronin', at });
      if (minutesAgo < 20) newest.push(`${person}`);
    }
    const people = { ...DEFAULT_SERVING_OPTIONS.people, peopleMax: 20, readPerPoll: 10 };
    const restarted = await openTestServing(world, { ...WEIGHED, people });
    for (let poll = 0; poll < 10; poll++) await restarted.serving.poll();
    const asking = await restarted.get<SimilarPeopleAnswer>(
      `/v1/users/${newest[0]}/similar?limit=50`,
    );
    const named = asking.body.people.map(({ userId }): string => userId);
    expect([newest[0], ...named].sort()).toEqual(newest.sort());
    await restarted.close();
  });

  it('are none where the setting says none', async () => {
    const world = new World();
    await world.putItems(...FILMS);
    const people = { ...DEFAULT_SERVING_OPTIONS.people, peopleMax: 0 };
    const without = await openTestServing(world, { ...WEIGHED, people });
    await world.act('u:1', ...SAME_TASTE);
    await without.serving.poll();
    expect(without.serving.status().people).toMatchObject({ held: 0, waiting: 0, bytes: 0 });
    const { body } = await without.get<ListAnswer>('/v1/users/1/recommendations');
    expect((body.held ?? []).map(({ part }) => part)).not.toContain('people');
    await without.close();
  });

  it('pass over whoever acted longest ago when more act than are read, and find them while there is room', async () => {
    const heldOf = async (peopleMax: number): Promise<number[]> => {
      const world = new World();
      await world.putItems(...FILMS);
      const people = { ...DEFAULT_SERVING_OPTIONS.people, peopleMax, readPerPoll: 2 };
      const busy = await openTestServing(world, { ...WEIGHED, people });
      // One page of one partition a poll.
      const polls = async (): Promise<void> => {
        for (let poll = 0; poll < 8; poll++) await busy.serving.poll();
      };
      await polls();
      for (const person of ['u:1', 'u:2', 'u:3']) await world.act(person, ...SAME_TASTE);
      await polls();
      const { held, passedOver } = busy.serving.status().people;
      await busy.close();
      return [held, passedOver];
    };
    expect(await heldOf(10)).toEqual([3, 1]);
    expect(await heldOf(2)).toEqual([2, 1]);
  });
});
