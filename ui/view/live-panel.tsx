/** What trends, with places won and lost, and whose doing the last rise was. */
import { useRef } from 'react';
import type { LiveList, Person, Rise } from '../store/page-state.ts';
import { useMoveAnimation } from './move-animation.ts';
import { Movement } from './movement.tsx';
import { didText, valueText } from './wording.ts';

interface LivePanelProps {
  readonly list: LiveList | null;
  readonly onOpen: (itemId: string) => void;
  readonly onBecome: (person: Person) => void;
}

export const LivePanel = ({ list, onOpen, onBecome }: LivePanelProps) => {
  const rows = useRef<HTMLOListElement>(null);
  useMoveAnimation(rows, list?.revision);
  // Where nothing trends, the list is of what is popular or new.
  const items = (list?.answer.items ?? []).filter(({ parts }) => (parts.trending ?? 0) > 0);
  return (
    <section className="panel" aria-labelledby="trending-heading">
      <h2 id="trending-heading">Trending</h2>
      <p className="quiet rise">
        {list?.rise ? <RiseText rise={list.rise} onBecome={onBecome} /> : 'Moves as people act.'}
      </p>
      {list !== null && items.length === 0 ? <p className="quiet">Nothing trends yet.</p> : null}
      <ol ref={rows}>
        {items.map((item) => (
          <li
            key={item.itemId}
            data-key={item.itemId}
            className={list?.entered.has(item.itemId) ? 'row entered' : 'row'}
          >
            <span className="place">{item.rank}</span>
            <button type="button" onClick={() => onOpen(item.itemId)}>
              {item.title}
            </button>
            <Movement places={list?.movedBy.get(item.itemId) ?? 0} />
          </li>
        ))}
      </ol>
    </section>
  );
};

const RiseText = ({
  rise: { title, act },
  onBecome,
}: {
  readonly rise: Rise;
  readonly onBecome: (person: Person) => void;
}) => {
  const { who } = act;
  return (
    <>
      <b>{title}</b> rose:{' '}
      {who === null ? (
        'a visitor'
      ) : (
        <button type="button" className="link" onClick={() => onBecome(who)}>
          {who.name}
        </button>
      )}{' '}
      {didText(act.kind)} it {valueText(act)}
    </>
  );
};
