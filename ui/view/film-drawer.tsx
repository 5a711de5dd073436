/** One film: its facts and live counters, more like it, and where people go next. */
import { useEffect, useRef } from 'react';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { OpenFilm } from '../store/page-state.ts';
import { FilmCounters } from './film-counters.tsx';
import { Poster } from './poster.tsx';
import { Stars } from './stars.tsx';
import { starsText } from './wording.ts';

interface FilmDrawerProps {
  readonly film: OpenFilm;
  readonly rated: number | undefined;
  readonly onClose: () => void;
  readonly onOpen: (itemId: string) => void;
  readonly onRate: (itemId: string, title: string, stars: number) => void;
  readonly onHide: (itemId: string, title: string) => void;
}

export const FilmDrawer = ({ film, rated, ...actions }: FilmDrawerProps) => {
  const title = film.item?.title ?? '…';
  const close = useFocusWhileOpen(film.itemId);
  useEscape(actions.onClose);
  return (
    <aside className="drawer" aria-label={title}>
      <header>
        <Poster itemId={film.itemId} title={title} />
        <div className="head">
          <h2>{title}</h2>
          <p className="quiet">{factsOf(film)}</p>
          <Stars
            label={title}
            rated={rated}
            onRate={(stars) => actions.onRate(film.itemId, title, stars)}
          />
          {film.stars === null || rated !== undefined ? null : (
            <p className="quiet">{starsText(film.stars)}</p>
          )}
          <button type="button" className="link" onClick={() => actions.onHide(film.itemId, title)}>
            Do not show me this
          </button>
        </div>
        <button
          ref={close}
          type="button"
          className="icon-button"
          aria-label="Close"
          onClick={actions.onClose}
        >
          ✕
        </button>
      </header>
      <Words film={film} />
      {film.item === null ? null : <FilmCounters counters={film.item.counters} />}
      <SideList heading="More like this" list={film.similar} onOpen={actions.onOpen} />
      <SideList heading="Where people go next" list={film.next} onOpen={actions.onOpen} />
    </aside>
  );
};

/** Focus comes to the drawer's button, and goes back to where it was when the drawer closes. */
const useFocusWhileOpen = (itemId: string) => {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: focus moves whenever another film opens
  useEffect(() => close.current?.focus(), [itemId]);
  return close;
};

/** Wherever the focus is, unless something nearer took the key for itself. */
const useEscape = (onEscape: () => void): void => {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented) onEscape();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [onEscape]);
};

const factsOf = ({ item }: OpenFilm): string => {
  if (item === null) return '';
  const { year, runningTime, rating } = item.attributes;
  const minutes = runningTime === undefined ? undefined : `${runningTime} min`;
  const people = item.people.slice(0, 4).join(', ');
  return [year, minutes, rating, people]
    .filter((fact) => fact !== undefined && fact !== '')
    .join(' · ');
};

const Words = ({ film }: { readonly film: OpenFilm }) => (
  <div className="facts">
    {[...(film.item?.categories ?? []), ...(film.item?.tags ?? [])].map((word) => (
      <span className="tag" key={word}>
        {word}
      </span>
    ))}
  </div>
);

interface SideListProps {
  readonly heading: string;
  readonly list: ListAnswer | null;
  readonly onOpen: (itemId: string) => void;
}

const SideList = ({ heading, list, onOpen }: SideListProps) => (
  <section>
    <h3>{heading}</h3>
    {list === null ? <p className="quiet">…</p> : null}
    {list?.items.length === 0 ? <p className="quiet">Nothing yet.</p> : null}
    <ol className="strip-list">
      {(list?.items ?? []).map((item) => (
        <li key={item.itemId}>
          <button type="button" title={item.reasons[0]?.text} onClick={() => onOpen(item.itemId)}>
            <Poster itemId={item.itemId} title={item.title} />
            <span>{item.title}</span>
          </button>
        </li>
      ))}
    </ol>
  </section>
);
