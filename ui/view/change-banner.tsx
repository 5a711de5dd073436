/** Says what just changed the list, and in how many milliseconds. */
import type { ListChange, LiveList } from '../store/page-state.ts';

export const ChangeBanner = ({ list }: { readonly list: LiveList | null }) => {
  const change = list?.change ?? null;
  if (change === null) {
    return (
      <div className="change" role="status">
        <span className="quiet">
          Rate a film, or open one: this list changes at once, and says why. It also moves when
          others act.
        </span>
      </div>
    );
  }
  const ms = change.clickToListMs ?? change.eventToPushMs;
  return (
    <div className="change fresh" role="status" key={list?.revision}>
      {ms === null ? null : <span className="ms">{formatMs(ms)}</span>}
      <span>
        {causeText(change.cause)}
        <span className="quiet">
          {' '}
          {change.enteredCount} new, {change.movedCount} moved
        </span>
      </span>
    </div>
  );
};

const formatMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const VERBS: Readonly<Record<string, string>> = {
  rating: 'after a rating of',
  like: 'after a like of',
  click: 'after a look at',
  view: 'after a look at',
  watch: 'after watching',
  hide: 'after hiding',
  dislike: 'after a thumbs-down for',
  undo: 'after taking back',
};

const causeText = (cause: ListChange['cause']): string => {
  if (cause === null) return 'The list moved because others acted.';
  return `The list changed ${VERBS[cause.kind] ?? `after ${cause.kind} of`} ${cause.title}.`;
};
