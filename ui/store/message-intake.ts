/**
 * What each live message does to the page's state. Pure: the clock stands outside and hands in how
 * long ago the person on this page acted.
 */
import type { LiveActivity, LiveDiff, LiveMessage, LiveSnapshot } from '../../schemas/api/live.ts';
import { activityEntry, recentPeople } from './activity.ts';
import { applyDiff, isMoving, listOfSnapshot } from './list-diff.ts';
import type { ActivityEntry, LiveList, PageState, Rise } from './page-state.ts';
import { systemView } from './system-view.ts';

/** The page's own names of its subscriptions. */
export const SUBSCRIPTIONS = {
  mine: 'mine',
  trending: 'trending',
  activity: 'activity',
  system: 'system',
} as const;

const ACTIVITY_KEPT = 60;
const OTHERS_KEPT = 12;

export const takeMessage = (
  state: PageState,
  message: LiveMessage,
  sinceActMs: number | null,
): PageState => {
  switch (message.type) {
    case 'snapshot':
      return takeSnapshot(state, message);
    case 'diff':
      return message.id === SUBSCRIPTIONS.mine
        ? { ...state, list: ownListAfter(state.list, message, sinceActMs) }
        : { ...state, trending: sharedListAfter(state.trending, message, state.activity) };
    case 'activity':
      return takeActivity(state, message);
    case 'system':
      return { ...state, system: systemView(message.system, state.system) };
    case 'error':
      return {
        ...state,
        notice: { text: message.error.message, isError: true, undo: null },
      };
    case 'resumed':
    case 'unsubscribed':
    case 'heartbeat':
      return state;
  }
};

const takeSnapshot = (state: PageState, message: LiveSnapshot): PageState => {
  const name = message.id === SUBSCRIPTIONS.mine ? 'list' : 'trending';
  return { ...state, [name]: listOfSnapshot(message.list, state[name]) };
};

/**
 * A person's own list. One act makes several diffs (first of what the person did, then of what that
 * did to the items), and only the first names it: shortly after an own act the others are its echo.
 */
const ownListAfter = (
  before: LiveList | null,
  diff: LiveDiff,
  sinceActMs: number | null,
): LiveList | null => {
  if (before === null) return null;
  const after = applyDiff(before, diff);
  const { cause } = diff;
  if (cause === null && (!isMoving(diff) || sinceActMs !== null)) return after;
  const told = before.change;
  if (cause !== null && told?.cause?.eventId === cause.eventId) return after;
  return {
    ...after,
    change: {
      cause,
      eventToPushMs: diff.eventToPushMs,
      clickToListMs: cause === null ? null : sinceActMs,
      enteredCount: diff.entered.length,
      movedCount: diff.moved.length,
    },
  };
};

/** A list that everyone shares: the newest act on a film that rose is taken for the reason. */
const sharedListAfter = (
  before: LiveList | null,
  diff: LiveDiff,
  activity: readonly ActivityEntry[],
): LiveList | null => {
  if (before === null) return null;
  const after = applyDiff(before, diff);
  return { ...after, rise: riseIn(after, activity) ?? before.rise };
};

const riseIn = (list: LiveList, activity: readonly ActivityEntry[]): Rise | null => {
  const rose = (itemId: string): boolean =>
    list.entered.has(itemId) || (list.movedBy.get(itemId) ?? 0) > 0;
  const act = activity.find(({ itemId }) => rose(itemId));
  return act === undefined ? null : { itemId: act.itemId, title: act.title, act };
};

const takeActivity = (state: PageState, message: LiveActivity): PageState => {
  const newest = message.events.map((event) => activityEntry(event, state.own)).toReversed();
  return {
    ...state,
    activity: [...newest, ...state.activity].slice(0, ACTIVITY_KEPT),
    others: recentPeople(newest, state.others, OTHERS_KEPT),
  };
};
