/**
 * The step boundaries of the stream, by name, in the order in which a batch passes them. The fault
 * harness kills the process at each; in production nothing happens there.
 */
export const STREAM_CRASH_POINTS = [
  'stream.opened',
  'stream.batch-read',
  'stream.before-append',
  'stream.between-target-appends',
  'stream.between-append-and-apply',
  'stream.between-apply-and-hint',
  'stream.after-hint',
  'stream.sink.before-insert',
  'stream.sink.after-insert',
  'stream.rebuild.between-clears',
] as const;

export type StreamCrashPoint = (typeof STREAM_CRASH_POINTS)[number];
