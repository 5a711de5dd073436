import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../schemas/ids.ts';
import {
  dueTraining,
  lastDueAt,
  nextDueAt,
  readTimeOfDay,
  type ScheduleFacts,
} from './schedule.ts';

const local = (day: number, hour: number, minute = 0): EpochMs =>
  new Date(2026, 2, day, hour, minute).getTime() as EpochMs;
const THREE = { hour: 3, minute: 0 };

const facts = (more: Partial<ScheduleFacts>): ScheduleFacts => ({
  now: local(10, 12),
  at: THREE,
  hasRelease: true,
  lastBeganAt: local(10, 3),
  isQuick: false,
  isTrainable: true,
  ...more,
});

describe('the time of day of a training', () => {
  it('is read from hours and minutes, and from nothing else', () => {
    expect(readTimeOfDay('03:00')).toEqual(THREE);
    expect(readTimeOfDay('23:59')).toEqual({ hour: 23, minute: 59 });
    for (const text of ['', '3:00', '24:00', '03:60', '03:00:00', 'three']) {
      expect(readTimeOfDay(text)).toBeUndefined();
    }
  });

  it('was last due today after it, yesterday before it, and is next due the day after', () => {
    expect(lastDueAt(local(10, 12), THREE)).toBe(local(10, 3));
    expect(lastDueAt(local(10, 2), THREE)).toBe(local(9, 3));
    expect(lastDueAt(local(10, 3), THREE)).toBe(local(10, 3));
    expect(nextDueAt(local(10, 12), THREE)).toBe(local(11, 3));
    expect(nextDueAt(local(10, 2), THREE)).toBe(local(10, 3));
    expect(nextDueAt(local(10, 3), THREE)).toBe(local(11, 3));
  });
});

describe('which training is due', () => {
  it('is none while the last one began after the last time of day', () => {
    expect(dueTraining(facts({}))).toBeUndefined();
  });

  it('is the daily one once that time has passed, however long the machine slept', () => {
    expect(dueTraining(facts({ now: local(11, 3) }))).toBe('daily');
    expect(dueTraining(facts({ now: local(25, 17) }))).toBe('daily');
    expect(dueTraining(facts({ now: local(11, 2, 59) }))).toBeUndefined();
  });

  it('is a first one where there is history and neither a release nor an earlier try', () => {
    const fresh = { hasRelease: false, lastBeganAt: undefined };
    expect(dueTraining(facts(fresh))).toBe('first');
    expect(dueTraining(facts({ ...fresh, isTrainable: false }))).toBeUndefined();
    expect(dueTraining(facts({ hasRelease: false }))).toBeUndefined();
  });

  it('completes a quick first one at once', () => {
    expect(dueTraining(facts({ isQuick: true }))).toBe('complete');
  });

  it('is none where trainings are not to start by themselves', () => {
    expect(dueTraining(facts({ at: undefined, now: local(25, 17) }))).toBeUndefined();
  });
});
