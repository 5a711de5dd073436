/** Says what just changed the list, and in how many milliseconds. */
import type { ListChange, LiveList, Person } from '../store/page-state.ts';
import { changeText, msText } from './wording.ts';

interface ChangeBannerProps {
  readonly list: LiveList | null;
  readonly person: Person;
  readonly isOneself: boolean;
}

export const ChangeBanner = ({ list, person, isOneself }: ChangeBannerProps) => {
  const change = list?.change ?? null;
  if (change === null) {
    return (
      <div className="change" role="status">
        <span className="quiet">
          {isOneself
            ? 'Rate a film, or open one: this list changes at once, and says why.'
            : `You see what ${person.name} sees, as it changes with everything they do.`}
        </span>
      </div>
    );
  }
  return (
    <div className="change fresh" role="status" key={list?.revision}>
      <Speed change={change} />
      <span>
        {changeText(change.cause, isOneself)}{' '}
        <span className="quiet">
          {change.enteredCount} new, {change.movedCount} moved
        </span>
      </span>
    </div>
  );
};

/** From click to list where it was clicked here, else the server's own part of it. */
const Speed = ({ change }: { readonly change: ListChange }) => {
  const { clickToListMs, eventToPushMs } = change;
  const shown = clickToListMs ?? eventToPushMs;
  if (shown === null) return null;
  return (
    <span className="speed">
      <b>{msText(shown)}</b>
      <span className="quiet">
        {clickToListMs === null ? 'event to push' : 'click to list'}
        {clickToListMs !== null && eventToPushMs !== null
          ? `, ${msText(eventToPushMs)} of it event to push`
          : ''}
      </span>
    </span>
  );
};
