/** What people are doing right now; a name shows the page through that person's eyes. */
import type { ActivityEntry, Person } from '../store/page-state.ts';
import { didText, valueText } from './wording.ts';

interface ActivityPanelProps {
  readonly entries: readonly ActivityEntry[];
  readonly onOpen: (itemId: string) => void;
  readonly onBecome: (person: Person) => void;
}

const ENTRIES_SHOWN = 8;

export const ActivityPanel = ({ entries, onOpen, onBecome }: ActivityPanelProps) => (
  <section className="panel" aria-labelledby="activity-heading">
    <h2 id="activity-heading">Right now</h2>
    {entries.length === 0 ? <p className="quiet">It is quiet. Rate something.</p> : null}
    <ul className="ticker">
      {entries.slice(0, ENTRIES_SHOWN).map((entry) => (
        <li key={entry.key}>
          <button type="button" className="film-name" onClick={() => onOpen(entry.itemId)}>
            {entry.title}
          </button>
          <span className="value">{valueText(entry)}</span>
          <span className="who">
            {didText(entry.kind)} by <Who person={entry.who} onBecome={onBecome} />
          </span>
        </li>
      ))}
    </ul>
  </section>
);

const Who = ({
  person,
  onBecome,
}: {
  readonly person: Person | null;
  readonly onBecome: (person: Person) => void;
}) => {
  if (person === null) return <>a visitor</>;
  return (
    <button
      type="button"
      className="link"
      title={`See what ${person.name} sees`}
      onClick={() => onBecome(person)}
    >
      {person.name}
    </button>
  );
};
