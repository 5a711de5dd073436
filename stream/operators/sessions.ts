/**
 * Gap windows over a subject's events: a pause longer than the gap ends a session, and a late event
 * between two of them joins them. Pure, and independent of the order of arrival while no session
 * was pushed out by the cap.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { SessionWindow } from '../../schemas/state/subject-state.ts';

export interface SessionOptions {
  readonly sessionGapMs: number;
  readonly sessionsMax: number;
}

export const sessionsAfter = (
  sessions: readonly SessionWindow[],
  at: EpochMs,
  options: SessionOptions,
): readonly SessionWindow[] => {
  const gap = options.sessionGapMs;
  const newest = sessions.at(-1);
  if (newest !== undefined && at >= newest.firstAt && at <= newest.lastAt + gap) {
    // The usual case: the session goes on.
    const lastAt = Math.max(at, newest.lastAt) as EpochMs;
    return sessions.with(-1, { firstAt: newest.firstAt, lastAt, events: newest.events + 1 });
  }
  let joined: SessionWindow = { firstAt: at, lastAt: at, events: 1 };
  const before: SessionWindow[] = [];
  const after: SessionWindow[] = [];
  for (const session of sessions) {
    if (session.lastAt + gap < at) before.push(session);
    else if (session.firstAt - gap > at) after.push(session);
    else joined = join(joined, session);
  }
  return [...before, joined, ...after].slice(-options.sessionsMax);
};

const join = (left: SessionWindow, right: SessionWindow): SessionWindow => ({
  firstAt: Math.min(left.firstAt, right.firstAt) as EpochMs,
  lastAt: Math.max(left.lastAt, right.lastAt) as EpochMs,
  events: left.events + right.events,
});
