/** Neighbours among people who come, act and go. fast-check prints the seed of what fails. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeopleIndex, type PersonsChoice } from './people-index.ts';
import { DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS, PeopleNeighbours } from './people-neighbours.ts';
import { referencePeopleScores } from './people-neighbours-reference.ts';

const OPTIONS = { ...DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS, neighbours: 1_000 };
const ITEMS = 12;
const items = fc.array(fc.nat(ITEMS - 1), { maxLength: 8 });
const key = fc.nat(9).map((number) => `u:${number}`);
/** An empty history takes its person away. */
const changes = fc.array(fc.tuple(key, items), { maxLength: 40 });
const chosen = fc
  .uniqueArray(fc.nat(ITEMS - 1), { maxLength: 6 })
  .map((list) => list.map((item, place) => ({ item, weight: 1 / (1 + place) })));

/** One choice after the other, the newest at that time. */
const choicesAt = (at: number, newestFirst: readonly number[]): readonly PersonsChoice[] =>
  newestFirst.map((item, age) => ({ item, at: at - age / 100 }));

const fillIndex = (
  given: readonly (readonly [string, readonly number[]])[],
  sizes = { peopleMax: 100, itemsMax: 20 },
) => {
  const index = new PeopleIndex(sizes);
  const people = new Map<string, number[]>();
  for (const [actedAt, [person, newestFirst]] of given.entries()) {
    index.put(person, { newestFirst: choicesAt(actedAt, newestFirst), actedAt });
    people.set(person, [...new Set(newestFirst)]);
    if (newestFirst.length === 0) people.delete(person);
  }
  return { index, people };
};

const scoresOf = (
  index: PeopleIndex,
  asked: Parameters<PeopleNeighbours['near']>[0],
  options = OPTIONS,
  except?: string,
) => {
  const scores = new Map<number, number>();
  const neighbours = new PeopleNeighbours(index, options);
  neighbours.score(neighbours.near(asked, except), (item, score) => {
    scores.set(item, score);
  });
  return scores;
};

describe('people who chose much of the same', () => {
  it('give what the formula says, whatever people did before', () => {
    fc.assert(
      fc.property(
        changes,
        chosen,
        key,
        fc.integer({ min: 1, max: 3 }),
        (given, asked, own, min) => {
          const options = { ...OPTIONS, sharedMin: min, supportMin: min };
          const { index, people } = fillIndex(given);
          const found = scoresOf(index, asked, options, own);
          const wanted = referencePeopleScores(people, asked, own, options);
          expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
          for (const [item, score] of wanted) expect(found.get(item)).toBeCloseTo(score, 10);
        },
      ),
    );
  });

  it('are told apart by what each choice gave, once, which adds up to the score', () => {
    fc.assert(
      fc.property(changes, chosen, (given, asked) => {
        const { index } = fillIndex(given);
        const neighbours = new PeopleNeighbours(index, OPTIONS);
        const scores = scoresOf(index, asked);
        const sums = new Map<number, number>();
        const told = new Set<string>();
        const near = neighbours.near(asked, undefined);
        neighbours.contribute(near, [...scores.keys()], (item, place, amount) => {
          expect(place).toBeLessThan(asked.length);
          expect(told.has(`${item} ${place}`)).toBe(false);
          told.add(`${item} ${place}`);
          sums.set(item, (sums.get(item) ?? 0) + amount);
        });
        for (const [item, score] of scores) expect(sums.get(item)).toBeCloseTo(score, 10);
      }),
    );
  });

  it('leave nothing behind from one question to the next', () => {
    fc.assert(
      fc.property(changes, chosen, chosen, (given, first, second) => {
        const { index } = fillIndex(given);
        const neighbours = new PeopleNeighbours(index, OPTIONS);
        const before = neighbours.near(first, undefined);
        neighbours.score(before, () => {});
        neighbours.contribute(before, [0, 1, 2], () => {});
        const again = new Map<number, number>();
        neighbours.score(
          neighbours.near(second, undefined),
          (item, score) => void again.set(item, score),
        );
        expect(again).toEqual(scoresOf(index, second));
      }),
    );
  });

  it('propose nothing that fewer than three of them chose', () => {
    const asked = [
      { item: 0, weight: 1 },
      { item: 1, weight: 1 },
    ];
    const alike = ['u:1', 'u:2', 'u:3'].map((person) => [person, [0, 1, 5]] as const);
    expect(scoresOf(fillIndex(alike).index, asked).get(5)).toBeGreaterThan(0);
    expect(scoresOf(fillIndex(alike.slice(1)).index, asked).get(5)).toBeUndefined();
    const oneDiffers = [...alike.slice(1), ['u:1', [0, 1, 6]] as const];
    const scores = scoresOf(fillIndex(oneDiffers).index, asked);
    expect([...scores.keys()].sort()).toEqual([0, 1]);
  });
});

describe('the index of people', () => {
  it('keeps who acted last when there is no room, and each one’s newest items', () => {
    const given = ['a', 'b', 'c'].map((person) => [person, [3, 2, 1, 0]] as const);
    const { index } = fillIndex([...given, ['a', [4, 3, 2, 1, 0]], ['d', [9]]], {
      peopleMax: 3,
      itemsMax: 2,
    });
    expect(index.peopleCount).toBe(3);
    expect(index.placeOf('b')).toBeUndefined();
    expect(index.itemsAt(index.placeOf('a')!)).toEqual([4, 3]);
    expect(index.peopleOf(2).map((place) => index.keyAt(place))).toEqual(['c']);
  });

  it('holds those who acted last, in whatever order they came', () => {
    const acts = fc.array(fc.tuple(key, fc.nat(30)), { maxLength: 60 });
    fc.assert(
      fc.property(
        acts,
        fc.integer({ min: 1, max: 6 }),
        fc.func(fc.nat()),
        (given, peopleMax, shuffledBy) => {
          const index = new PeopleIndex({ peopleMax, itemsMax: 3 });
          const last = new Map<string, number>();
          // Each with times of their own, so that nobody acted at the same moment as somebody else.
          for (const [person, time] of given) {
            last.set(person, Math.max(last.get(person) ?? 0, 10 * time + Number(person.slice(2))));
          }
          const inSomeOrder = [...last].sort((one, other) => shuffledBy(one) - shuffledBy(other));
          for (const [person, actedAt] of inSomeOrder)
            index.put(person, { newestFirst: choicesAt(actedAt, [1]), actedAt });
          const wanted = [...last].sort(([, one], [, other]) => other - one).slice(0, peopleMax);
          const held = wanted.filter(([person]) => index.placeOf(person) !== undefined);
          expect(held).toEqual(wanted);
          expect(index.peopleCount).toBe(wanted.length);
        },
      ),
    );
  });

  it('is the same, in the same order, as one that met the last state of each in some order', () => {
    fc.assert(
      fc.property(changes, fc.func(fc.nat()), (given, shuffledBy) => {
        const { index, people } = fillIndex(given);
        const last = [...given.entries()].filter(([, [person]]) => people.has(person));
        const lastOf = new Map(
          last.map(([actedAt, [person, items]]) => [person, { actedAt, items }]),
        );
        const fresh = new PeopleIndex({ peopleMax: 100, itemsMax: 20 });
        const inSomeOrder = [...lastOf].sort(
          ([one], [other]) => shuffledBy(one) - shuffledBy(other),
        );
        for (const [person, { actedAt, items }] of inSomeOrder) {
          fresh.put(person, { newestFirst: choicesAt(actedAt, items), actedAt });
        }
        expect(index.peopleCount).toBe(fresh.peopleCount);
        expect(index.sizeBytes).toBe(fresh.sizeBytes);
        const choosersOf = (of: PeopleIndex, item: number): (string | undefined)[] =>
          of.peopleOf(item).map((place) => of.keyAt(place));
        for (let item = 0; item < ITEMS; item++) {
          expect(choosersOf(index, item)).toEqual(choosersOf(fresh, item));
        }
      }),
    );
  });

  it('has whoever chose an item last at its end, and of one moment whoever is first by name before', () => {
    const index = new PeopleIndex({ peopleMax: 10, itemsMax: 5 });
    const put = (
      key: string,
      ...chosen: readonly (readonly [item: number, at: number])[]
    ): void => {
      const newestFirst = chosen.map(([item, at]) => ({ item, at }));
      index.put(key, { newestFirst, actedAt: newestFirst[0]!.at });
    };
    const order = (): readonly (string | undefined)[] =>
      index.peopleOf(7).map((place) => index.keyAt(place));
    put('c', [7, 30]);
    put('b', [1, 90], [7, 10]);
    put('a', [7, 30]);
    expect(order()).toEqual(['b', 'a', 'c']);
    put('b', [7, 95], [1, 90]);
    expect(order()).toEqual(['a', 'c', 'b']);
    index.remove('c');
    expect(order()).toEqual(['a', 'b']);
  });
});
