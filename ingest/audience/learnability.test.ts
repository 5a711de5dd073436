import { expect, it } from 'vitest';
import { hitRates } from '../../bench/audience-learnability.ts';
import { ENDS_AT, smallAudience } from './audience.fixture.ts';
import { audienceWorld } from './audience-world.ts';

it('the simulated data can be learned: truth beats what goes together, and that beats popularity', () => {
  const world = audienceWorld(
    smallAudience({ people: 800, days: 42, events: 90_000, newPeoplePerDay: 1 }),
  );
  const { tested, popularity, together, truth } = hitRates(world, ENDS_AT);
  expect(tested).toBeGreaterThan(1_000);
  expect(truth / popularity).toBeGreaterThan(2);
  expect(together / popularity).toBeGreaterThan(1.3);
});
