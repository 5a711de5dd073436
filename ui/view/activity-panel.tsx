/** What people are doing right now. */
import type { ActivityEntry } from '../store/page-state.ts';

interface ActivityPanelProps {
  readonly entries: readonly ActivityEntry[];
  readonly onOpen: (itemId: string) => void;
}

export const ActivityPanel = ({ entries, onOpen }: ActivityPanelProps) => (
  <section className="panel" aria-label="Activity">
    <h2>Right now</h2>
    {entries.length === 0 ? (
      <p className="quiet">It is quiet. Rate something.</p>
    ) : (
      <ul>
        {entries.map((entry) => (
          <li className="row" key={entry.key}>
            <button type="button" onClick={() => onOpen(entry.itemId)}>
              {entry.title}
            </button>
            <span className="when">
              {entry.who} {whatOf(entry)}
            </span>
          </li>
        ))}
      </ul>
    )}
  </section>
);

const whatOf = (entry: ActivityEntry): string =>
  entry.kind === 'rating' ? `★ ${entry.value ?? ''}` : entry.kind;
