import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { ENDS_AT, smallAudience } from './audience.fixture.ts';
import { audienceWorld } from './audience-world.ts';
import { eventsBetween } from './history.ts';
import { fillGap, simulateHistory } from './simulate-history.ts';

const DAY_MS = 86_400_000;
const later = (time: EpochMs, days: number): EpochMs => epochMs(time + days * DAY_MS);

const history = simulateHistory(smallAudience());

describe('the simulated history', () => {
  it('has the events asked for, oldest first, ending in time', () => {
    expect(history.length).toBe(6_000);
    expect(history.every((e, at) => at === 0 || history[at - 1]!.occurredAt <= e.occurredAt)).toBe(
      true,
    );
    expect(history.at(-1)!.occurredAt).toBeLessThan(ENDS_AT);
    expect(history[0]!.occurredAt).toBeGreaterThanOrEqual(later(ENDS_AT, -14));
    expect(history.at(-1)!.occurredAt).toBeGreaterThan(later(ENDS_AT, -0.2));
  });

  it('is the same for the same options and another for another seed', () => {
    expect(simulateHistory(smallAudience())).toEqual(history);
    expect(simulateHistory(smallAudience({ seed: 8 }))).not.toEqual(history);
  });

  it('gives every event an id of its own', () => {
    expect(new Set(history.map(({ eventId }) => eventId)).size).toBe(history.length);
  });

  it('sends only what the kinds allow, at whole milliseconds', () => {
    const kinds = kindTable(DEFAULT_KINDS);
    const odd = history.filter(({ kind, value, occurredAt }) => {
      const range = kinds.get(kind)?.value ?? null;
      const fits =
        value === null
          ? !range?.required
          : range !== null && value >= range.min && value <= range.max;
      return !kinds.has(kind) || !fits || !Number.isInteger(occurredAt);
    });
    expect(odd).toEqual([]);
  });

  it('takes back only what the same person did before', () => {
    const seen = new Map<string, string>();
    const odd = history.filter((event) => {
      seen.set(event.eventId, event.userId);
      const undoes = event.context?.undoes;
      // What is undone may lie before the oldest event kept.
      return undoes && seen.has(undoes) && seen.get(undoes) !== event.userId;
    });
    expect(history.some(({ kind }) => kind === 'undo')).toBe(true);
    expect(odd).toEqual([]);
  });

  it('lets nobody meet a film before it is out, and some meet it then', () => {
    const { catalogue } = smallAudience();
    const out = new Map(catalogue.map((film) => [film.itemId, film.availableFrom]));
    const times = history.map((event) => ({ ...event, from: out.get(event.itemId) ?? null }));
    expect(times.filter(({ from, occurredAt }) => from !== null && occurredAt < from)).toEqual([]);
    expect(times.filter(({ from }) => from !== null).length).toBeGreaterThan(20);
  });

  it('has nobody rate a film twice, unless the first was taken back', () => {
    const rated = history.filter(({ kind }) => kind === 'rating');
    const pairs = new Set(rated.map(({ userId, itemId }) => `${userId} ${itemId}`));
    const undone = history.filter(({ kind }) => kind === 'undo').length;
    expect(rated.length - pairs.size).toBeLessThanOrEqual(undone);
  });
});

describe('the audience in time', () => {
  const world = audienceWorld(smallAudience());

  it('does the same however a span is cut', () => {
    const [from, to] = [later(ENDS_AT, -3), later(ENDS_AT, 2)];
    const whole = eventsBetween(world, { from, to, mark: 'gap' });
    const middle = epochMs(ENDS_AT - 12_345_678);
    const parts = [
      ...eventsBetween(world, { from, to: middle, mark: 'gap' }),
      ...eventsBetween(world, { from: middle, to, mark: 'gap' }),
    ];
    expect(whole.length).toBeGreaterThan(500);
    expect(parts).toEqual(whole);
  });

  it('goes on at the same pace after the history, marked', () => {
    const gap = fillGap(world, ENDS_AT, later(ENDS_AT, 7));
    expect(gap.length).toBeGreaterThan(6_000 * 0.3);
    expect(gap.length).toBeLessThan(6_000 * 0.8);
    expect(gap.every(({ eventId }) => eventId.startsWith('gap-'))).toBe(true);
  });

  it('gains a few people every day', () => {
    const { people } = world;
    expect(people.countAt(ENDS_AT)).toBe(200);
    expect(people.countAt(later(ENDS_AT, 10))).toBe(240);
    const newcomer = people.at(230);
    expect(newcomer.joinedAt).toBeGreaterThan(ENDS_AT);
    const theirs = fillGap(world, ENDS_AT, later(ENDS_AT, 28)).filter(
      ({ userId }) => userId === newcomer.userId,
    );
    expect(theirs.every(({ occurredAt }) => occurredAt > newcomer.joinedAt)).toBe(true);
  });

  it('drifts: tastes of the next week are close to those of this one, of next year less so', () => {
    const { people, films } = world;
    const correlation = (weeks: number): number => {
      const person = people.at(3);
      const now = people.tasteAt(person, ENDS_AT).affinities;
      const then = people.tasteAt(person, later(ENDS_AT, 7 * weeks)).affinities;
      return now.reduce((sum, value, at) => sum + films.popularity[at]! * value * then[at]!, 0);
    };
    expect(correlation(1)).toBeGreaterThan(0.9);
    expect(correlation(20)).toBeLessThan(correlation(1) - 0.1);
  });
});
