/** What the strip at the bottom says, out of the whole report of the system. */
import type { SystemAnswer } from '../../schemas/api/system.ts';
import type { SystemSummary } from './page-state.ts';

/** The report before, to tell how many events came in between. */
export interface EarlierReport {
  readonly uptimeMs: number;
  readonly events: number;
}

export const summaryOf = (
  system: SystemAnswer,
  before: EarlierReport | undefined,
): { readonly summary: SystemSummary; readonly report: EarlierReport } => {
  const events = Object.values(system.counters).find((stage) => 'accepted' in stage)?.accepted ?? 0;
  const elapsedMs = before === undefined ? 0 : system.uptimeMs - before.uptimeMs;
  const gained = before === undefined ? 0 : events - before.events;
  return {
    summary: {
      eventsPerSecond: elapsedMs > 0 ? Math.max(0, (gained / elapsedMs) * 1000) : 0,
      freshnessP50Ms: system.freshnessMs.p50,
      freshnessP99Ms: system.freshnessMs.p99,
      lagRecords: system.partitions.reduce((sum, { lag }) => sum + lag, 0),
      items: system.catalogue.visible,
      events,
      ready: system.health.status === 'ready',
    },
    report: { uptimeMs: system.uptimeMs, events },
  };
};
