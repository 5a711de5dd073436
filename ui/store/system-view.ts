/** The report of the instance, with what can only be told from two of them: events a second. */
import type { SystemAnswer } from '../../schemas/api/system.ts';
import type { SystemView } from './page-state.ts';

export const systemView = (answer: SystemAnswer, before: SystemView | null): SystemView => {
  const events = answer.counters.interactions?.accepted ?? 0;
  // Another start began to count anew.
  const isSameRun = before !== null && before.answer.startedAt === answer.startedAt;
  const elapsedMs = isSameRun ? answer.uptimeMs - before.answer.uptimeMs : 0;
  const gained = isSameRun ? events - before.events : 0;
  return {
    answer,
    events,
    eventsPerSecond: elapsedMs > 0 ? Math.max(0, (gained / elapsedMs) * 1_000) : 0,
    sourcesTried: answer.quality.sources.filter(({ coverage }) => coverage > 0),
    lagRecords: answer.partitions.reduce((sum, { lag }) => sum + lag, 0),
  };
};
