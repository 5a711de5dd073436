/** A person's list: cards that glide to their new places, or what stands there instead. */
import { useRef } from 'react';
import type { LiveList, Person } from '../store/page-state.ts';
import { type FilmActions, FilmCard } from './film-card.tsx';
import { useMoveAnimation } from './move-animation.ts';
import { rungText } from './wording.ts';

interface FilmListProps extends FilmActions {
  readonly list: LiveList | null;
  readonly person: Person;
  readonly ratings: ReadonlyMap<string, number>;
}

const SKELETONS = [1, 2, 3, 4, 5, 6] as const;

export const FilmList = ({ list, person, ratings, ...actions }: FilmListProps) => {
  const films = useRef<HTMLOListElement>(null);
  useMoveAnimation(films, list?.revision);
  const items = list?.answer.items ?? [];
  return (
    <section aria-labelledby="list-heading">
      <div className="list-head">
        <h2 id="list-heading">For {person.name}</h2>
        <span className="quiet">{list === null ? '' : rungText(list.answer.rung)}</span>
      </div>
      {list === null ? <Skeletons /> : null}
      {list !== null && items.length === 0 ? (
        <p className="panel quiet">Nothing is left to show: everything was seen or hidden.</p>
      ) : null}
      <ol className="films" ref={films}>
        {items.map((item) => (
          <FilmCard
            key={item.itemId}
            item={item}
            isNew={list?.entered.has(item.itemId) ?? false}
            movedBy={list?.movedBy.get(item.itemId) ?? 0}
            rated={ratings.get(item.itemId)}
            {...actions}
          />
        ))}
      </ol>
    </section>
  );
};

const Skeletons = () => (
  <div className="films" role="status" aria-label="Loading">
    {SKELETONS.map((number) => (
      <div className="film skeleton" key={number} />
    ))}
  </div>
);
