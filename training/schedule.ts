/**
 * When trainings start by themselves: every day at a time of the machine's own clock, and at once
 * where there is history and no release yet. A training that was due while the machine slept or the
 * program was off starts as soon as somebody looks: what counts is when the last one began, not a timer.
 */
import type { EpochMs } from '../schemas/ids.ts';

export interface TimeOfDay {
  readonly hour: number;
  readonly minute: number;
}

const TIME_OF_DAY = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** `03:00`; undefined where the text is no time of day. */
export const readTimeOfDay = (text: string): TimeOfDay | undefined => {
  const match = TIME_OF_DAY.exec(text);
  return match ? { hour: Number(match[1]), minute: Number(match[2]) } : undefined;
};

/** The last moment at or before `now` at which a training was due. */
export const lastDueAt = (now: EpochMs, { hour, minute }: TimeOfDay): EpochMs => {
  const due = new Date(now);
  due.setHours(hour, minute, 0, 0);
  if (due.getTime() > now) due.setDate(due.getDate() - 1);
  return due.getTime() as EpochMs;
};

/** The first moment after `now` at which one will be. */
export const nextDueAt = (now: EpochMs, { hour, minute }: TimeOfDay): EpochMs => {
  const due = new Date(now);
  due.setHours(hour, minute, 0, 0);
  if (due.getTime() <= now) due.setDate(due.getDate() + 1);
  return due.getTime() as EpochMs;
};

export interface ScheduleFacts {
  readonly now: EpochMs;
  /** undefined where none is to start by itself. */
  readonly at: TimeOfDay | undefined;
  readonly hasRelease: boolean;
  /** When the last training began; undefined where there was none. */
  readonly lastBeganAt: EpochMs | undefined;
  /** Whether the release in use came from a first training and lacks what takes longer. */
  readonly isQuick: boolean;
  /** Whether there is enough history to be trained on. */
  readonly isTrainable: boolean;
}

/**
 * `first` is quick, for people who wait; `complete` follows it with all models; `daily` is every other.
 * A first training that failed is not tried again and again: the daily one will.
 */
export type DueTraining = 'first' | 'complete' | 'daily' | undefined;

export const dueTraining = (facts: ScheduleFacts): DueTraining => {
  const { now, at, hasRelease, lastBeganAt, isQuick, isTrainable } = facts;
  if (at === undefined || !isTrainable) return undefined;
  if (lastBeganAt === undefined) return hasRelease ? undefined : 'first';
  if (isQuick) return 'complete';
  return lastBeganAt < lastDueAt(now, at) ? 'daily' : undefined;
};
