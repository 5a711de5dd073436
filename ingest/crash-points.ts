/** The step boundaries of ingest at which the fault harness may kill the process. */
export const INGEST_CRASH_POINTS = [
  'ingest.before-append',
  'ingest.after-append',
  'import.before-append',
  'import.after-append',
  'import.after-record',
] as const;
