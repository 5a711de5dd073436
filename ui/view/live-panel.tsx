/** A short live list beside the main one: titles, places won and lost, and who moved it. */
import type { LiveList } from '../store/page-state.ts';

interface LivePanelProps {
  readonly heading: string;
  readonly note: string;
  readonly list: LiveList | null;
  readonly onOpen: (itemId: string) => void;
}

export const LivePanel = ({ heading, note, list, onOpen }: LivePanelProps) => (
  <section className="panel" aria-label={heading}>
    <h2>{heading}</h2>
    <p className="quiet">{note}</p>
    {list === null || list.answer.items.length === 0 ? (
      <p className="quiet">Nothing yet.</p>
    ) : (
      <ol>
        {list.answer.items.map((item) => (
          <li
            key={`${item.itemId}:${list.entered.has(item.itemId) ? list.revision : ''}`}
            className={list.entered.has(item.itemId) ? 'row entered' : 'row'}
          >
            <span className="place">{item.rank}</span>
            <button type="button" onClick={() => onOpen(item.itemId)}>
              {item.title}
            </button>
            <Movement places={list.movedBy.get(item.itemId) ?? 0} />
          </li>
        ))}
      </ol>
    )}
  </section>
);

const Movement = ({ places }: { readonly places: number }) => {
  if (places === 0) return null;
  const isUp = places > 0;
  return (
    <span className={isUp ? 'when up' : 'when down'}>
      {isUp ? '▲' : '▼'} {Math.abs(places)}
      <span className="sr-only">{isUp ? ' places up' : ' places down'}</span>
    </span>
  );
};
