import { describe, expect, it } from 'vitest';
import { ENDS_AT, smallAudience } from './audience.fixture.ts';
import { audienceWorld } from './audience-world.ts';
import { truthLines } from './truth.ts';

describe('the truth', () => {
  const world = audienceWorld(smallAudience());
  const lines = [...truthLines(world, { at: ENDS_AT, filmsPerPerson: 5 })].map(
    (line) => JSON.parse(line) as Record<string, unknown>,
  );

  it('names every person, and the films that they like best in order', () => {
    const people = lines.filter(({ type }) => type === 'person');
    expect(new Set(people.map(({ userId }) => userId)).size).toBe(200);
    for (const { affinities } of people) {
      const values = (affinities as [string, number][]).map(([, value]) => value);
      expect(values).toEqual(values.toSorted((a, b) => b - a));
      expect(values.length).toBe(5);
    }
  });

  it('names the seed and the fashions of the day', () => {
    expect(lines[0]).toMatchObject({ type: 'audience', seed: 7, people: 200 });
    const fashions = lines.filter(({ type }) => type === 'fashion');
    expect(fashions.length).toBeGreaterThan(2);
    expect(fashions.every(({ share }) => Number(share) > 0)).toBe(true);
  });
});
