/** The step boundary of moving events from outside at which the fault harness may kill the process. */
export const OUTSIDE_CRASH_POINTS = ['ingest.outside-moved'] as const;
