/** What keeps an interaction from being taken in at all, whoever wrote it into the log. */
import { FreshetError } from '../schemas/errors.ts';
import type { FeedbackKind, KindTable } from '../schemas/kinds.ts';
import type { InteractionRecord } from '../schemas/records.ts';

/** Ingest checks all this too; but others may write the topic, and the table of kinds may change. */
export const interactionProblem = (
  record: InteractionRecord,
  kind: FeedbackKind | undefined,
  kinds: KindTable,
): FreshetError | undefined => {
  if (kind === undefined) {
    return new FreshetError('unknown_kind', {
      known: [...kinds.keys()].join(', '),
      kind: record.kind,
    });
  }
  const { value } = record;
  if (value === null) {
    if (kind.value?.required !== true) return undeterminedUndo(record, kind);
    return new FreshetError('bad_value', {
      problem: `Expected a value for ${kind.name}, got none.`,
    });
  }
  if (kind.value === null) {
    return new FreshetError('bad_value', {
      problem: `Expected no value for ${kind.name}, got ${value}.`,
    });
  }
  const { min, max } = kind.value;
  if (value >= min && value <= max) return undeterminedUndo(record, kind);
  return new FreshetError('bad_value', {
    problem: `Expected value of ${kind.name} to be ${min} to ${max}, got ${value}.`,
  });
};

const undeterminedUndo = (
  record: InteractionRecord,
  kind: FeedbackKind,
): FreshetError | undefined =>
  kind.polarity !== 'none' || record.context?.undoes
    ? undefined
    : new FreshetError('bad_record', { problem: 'an undo that does not say what it takes back' });
