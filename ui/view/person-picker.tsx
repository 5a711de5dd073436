/** Who one is on this page: oneself, somebody who acts right now, or a new person. */
import type { Person } from '../store/page-state.ts';
import { avatarColour } from './tint.ts';

interface PersonPickerProps {
  readonly own: readonly Person[];
  readonly others: readonly Person[];
  readonly person: Person;
  readonly onPick: (person: Person) => void;
  readonly onNew: () => void;
}

export const PersonPicker = ({ own, others, person, onPick, onNew }: PersonPickerProps) => {
  const strangers = others.filter(({ id }) => !own.some((known) => known.id === id));
  const isListed = [...own, ...strangers].some(({ id }) => id === person.id);
  const everyone = isListed ? [...own, ...strangers] : [...own, ...strangers, person];
  return (
    <div className="person">
      <span className="avatar" style={{ background: avatarColour(person.id) }} aria-hidden="true">
        {person.name.slice(0, 2).toUpperCase()}
      </span>
      <label>
        <span className="sr-only">You see the list of</span>
        <select
          value={person.id}
          onChange={(event) => {
            const picked = everyone.find(({ id }) => id === event.target.value);
            if (picked) onPick(picked);
          }}
        >
          <optgroup label="Made here">{own.map(option)}</optgroup>
          {everyone.length > own.length ? (
            <optgroup label="Of the audience">{everyone.slice(own.length).map(option)}</optgroup>
          ) : null}
        </select>
      </label>
      <button type="button" className="button" aria-label="Become a new person" onClick={onNew}>
        New<span className="wide-only"> person</span>
      </button>
    </div>
  );
};

const option = ({ id, name }: Person) => (
  <option key={id} value={id}>
    {name}
  </option>
);
