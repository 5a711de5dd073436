/** Who one is on this page: somebody who is there already, or a new person. */
import type { Person } from '../store/page-state.ts';
import { colourOf } from './poster.tsx';

interface PersonPickerProps {
  readonly people: readonly Person[];
  readonly person: Person;
  readonly onPick: (id: string) => void;
  readonly onNew: () => void;
}

export const PersonPicker = ({ people, person, onPick, onNew }: PersonPickerProps) => (
  <div className="person">
    <span className="avatar" style={{ background: colourOf(person.id) }} aria-hidden="true">
      {person.name.slice(0, 2).toUpperCase()}
    </span>
    <label>
      <span className="sr-only">You are</span>
      <select value={person.id} onChange={(event) => onPick(event.target.value)}>
        {people.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
    <button type="button" className="button" onClick={onNew}>
      Be somebody new
    </button>
  </div>
);
