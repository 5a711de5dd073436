/**
 * From a well-formed event to the record that the log will hold, or to the reason why this event is
 * refused. Pure: the time of receipt is given.
 */
import type { EventInput } from '../../schemas/api/events.ts';
import { parseTime } from '../../schemas/api/time.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type EpochMs,
  type EventId,
  type SessionId,
  type SubjectId,
  subjectOfSession,
  subjectOfUser,
  type UserId,
} from '../../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../../schemas/kinds.ts';
import type { InteractionContext, InteractionRecord } from '../../schemas/records.ts';
import type { IngestOptions } from '../options.ts';
import { shownText } from './ids.ts';

/** Who sent an event that does not say so. */
export const DEFAULT_SOURCE = 'http';

export interface EventCheckContext {
  readonly kinds: KindTable;
  readonly limits: Pick<IngestOptions, 'ageMax' | 'aheadMax'>;
  /** Stamped on the record. */
  readonly receivedAt: EpochMs;
  /** For an event that came without an id. */
  readonly newEventId: () => EventId;
}

/** Throws the reason for a refusal. */
export const checkEvent = (event: EventInput, context: EventCheckContext): InteractionRecord => {
  const kind = context.kinds.get(event.kind);
  if (kind === undefined) throw unknownKind(event.kind, context.kinds);
  const { userId = null, sessionId = null } = event;
  checkSubject(userId, sessionId);
  return {
    source: event.source ?? DEFAULT_SOURCE,
    eventId: event.eventId ?? context.newEventId(),
    userId,
    sessionId,
    itemId: event.itemId,
    kind: event.kind,
    value: checkValue(event.value ?? null, kind),
    occurredAt: checkTime(event.occurredAt, context),
    receivedAt: context.receivedAt,
    backfill: null,
    sequence: null,
    context: checkContext(event.context, kind),
  };
};

export const subjectOf = (record: {
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;
}): SubjectId =>
  record.userId === null ? subjectOfSession(record.sessionId!) : subjectOfUser(record.userId);

export const checkSubject = (userId: UserId | null, sessionId: SessionId | null): void => {
  if ((userId === null) !== (sessionId === null)) return;
  const got = userId === null ? 'neither' : 'both';
  throw badValue(`Expected exactly one of userId and sessionId, got ${got}.`);
};

/** What was left out happened now. */
export const checkTime = (
  text: string | undefined,
  { limits, receivedAt }: Pick<EventCheckContext, 'limits' | 'receivedAt'>,
): EpochMs => {
  if (text === undefined) return receivedAt;
  const occurredAt = parseTime(text);
  if (occurredAt === undefined) {
    throw badValue(
      `Expected occurredAt to be a time such as 2026-01-31T18:30:00Z, got ${shownText(text)}.`,
    );
  }
  if (occurredAt < receivedAt - limits.ageMax) {
    throw new FreshetError('too_old', { occurredAt: shownText(text) });
  }
  if (occurredAt > receivedAt + limits.aheadMax) {
    throw new FreshetError('in_future', { occurredAt: shownText(text) });
  }
  return occurredAt;
};

/** The same for events that come from files. */
export const checkValue = (value: number | null, kind: FeedbackKind): number | null => {
  const range = kind.value;
  if (value === null) {
    if (!range?.required) return null;
    throw badValue(
      `Expected a value from ${range.min} to ${range.max} for kind ${kind.name}, got none.`,
    );
  }
  if (range === null) throw badValue(`Expected no value for kind ${kind.name}, got ${value}.`);
  if (value >= range.min && value <= range.max) return value;
  throw badValue(
    `Expected value to be from ${range.min} to ${range.max} for kind ${kind.name}, got ${value}.`,
  );
};

const checkContext = (
  given: EventInput['context'],
  kind: FeedbackKind,
): InteractionContext | null => {
  const undoes = given?.undoes ?? null;
  if (kind.name === 'undo' && undoes === null) {
    throw badValue('Expected context.undoes to name the event that the undo takes back, got none.');
  }
  if (kind.name !== 'undo' && undoes !== null) {
    throw badValue(`Expected context.undoes with kind undo alone, got it with ${kind.name}.`);
  }
  if (given === undefined) return null;
  const { listId = null, rank = null, placement = null } = given;
  return { listId, rank, placement, undoes };
};

const unknownKind = (kind: string, kinds: KindTable): FreshetError =>
  new FreshetError('unknown_kind', { known: [...kinds.keys()].join(', '), kind: shownText(kind) });

export const badValue = (problem: string): FreshetError =>
  new FreshetError('bad_value', { problem });
