/** One film: its facts and live counters, more like it, and where people go next. */
import { useEffect, useRef } from 'react';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { OpenFilm } from '../store/page-state.ts';
import { Poster } from './poster.tsx';
import { Stars } from './stars.tsx';

interface FilmDrawerProps {
  readonly film: OpenFilm;
  readonly rated: number | undefined;
  readonly onClose: () => void;
  readonly onOpen: (itemId: string) => void;
  readonly onRate: (itemId: string, title: string, stars: number) => void;
}

export const FilmDrawer = ({ film, rated, onClose, onOpen, onRate }: FilmDrawerProps) => {
  const close = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: focus moves whenever another film opens
  useEffect(() => close.current?.focus(), [film.itemId]);
  const title = film.item?.title ?? film.itemId;
  return (
    <aside
      className="drawer"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header>
        <Poster itemId={film.itemId} title={title} onOpen={() => {}} />
        <div>
          <h2>{title}</h2>
          <Facts film={film} />
          <Stars
            label={title}
            rated={rated}
            onRate={(stars) => onRate(film.itemId, title, stars)}
          />
        </div>
        <span className="spacer" />
        <button
          ref={close}
          type="button"
          className="icon-button"
          aria-label="Close"
          onClick={onClose}
        >
          ✕
        </button>
      </header>
      <Counters film={film} />
      <FilmList heading="More like this" list={film.similar} onOpen={onOpen} />
      <FilmList heading="Where people go next" list={film.next} onOpen={onOpen} />
    </aside>
  );
};

const Facts = ({ film }: { readonly film: OpenFilm }) => (
  <div className="facts">
    {(film.item?.categories ?? []).map((category) => (
      <span className="tag" key={category}>
        {category}
      </span>
    ))}
    {(film.item?.people ?? []).slice(0, 3).map((name) => (
      <span className="tag" key={name}>
        {name}
      </span>
    ))}
  </div>
);

const Counters = ({ film }: { readonly film: OpenFilm }) => {
  const counters = film.item?.counters;
  if (!counters) return null;
  const tallest = Math.max(1, ...counters.ratingHistogram);
  return (
    <>
      <div className="counters">
        <div>
          <b>{counters.interactions.toLocaleString('en-US')}</b>
          <span className="quiet">interactions</span>
        </div>
        <div>
          <b>{counters.ratingCount.toLocaleString('en-US')}</b>
          <span className="quiet">ratings</span>
        </div>
        <div>
          <b>{counters.ratingMean === null ? '–' : counters.ratingMean.toFixed(2)}</b>
          <span className="quiet">mean stars</span>
        </div>
      </div>
      {counters.ratingCount === 0 ? null : (
        <div className="bars" role="img" aria-label="Ratings from half a star to five">
          {counters.ratingHistogram.map((count, halfStars) => (
            <i
              // biome-ignore lint/suspicious/noArrayIndexKey: the index is the half star itself
              key={halfStars}
              style={{ height: `${(count / tallest) * 100}%` }}
              title={`${(halfStars + 1) / 2} ★: ${count}`}
            />
          ))}
        </div>
      )}
    </>
  );
};

interface FilmListProps {
  readonly heading: string;
  readonly list: ListAnswer | null;
  readonly onOpen: (itemId: string) => void;
}

const FilmList = ({ heading, list, onOpen }: FilmListProps) => (
  <section>
    <h3>{heading}</h3>
    {list === null ? <p className="quiet">…</p> : null}
    {list?.items.length === 0 ? <p className="quiet">Nothing yet.</p> : null}
    <ol>
      {(list?.items ?? []).map((item) => (
        <li className="row" key={item.itemId}>
          <span className="place">{item.rank}</span>
          <button type="button" onClick={() => onOpen(item.itemId)}>
            {item.title}
          </button>
        </li>
      ))}
    </ol>
  </section>
);
