/**
 * Protections that a test switches off, one at a time, to show that another test notices. All are on
 * where nothing is said; nothing but tests ever says anything.
 */
export interface StreamSeams {
  /** Item partitions take in envelopes that they have taken in before. */
  readonly ignoreMarks?: boolean;
  /** Every event counts as new. */
  readonly ignoreDuplicates?: boolean;
  /** State and offset are stored first, what goes to items is appended after that. */
  readonly applyBeforeAppend?: boolean;
  /** The warehouse gets rejected records too. */
  readonly copyRejected?: boolean;
}
