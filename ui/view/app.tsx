/** The whole page: the person's list in the middle, what moves beside it, the machine below. */
import { useEffect, useSyncExternalStore } from 'react';
import type { PageStore } from '../store/page-store.ts';
import { ActivityPanel } from './activity-panel.tsx';
import { ChangeBanner } from './change-banner.tsx';
import { FilmCard } from './film-card.tsx';
import { FilmDrawer } from './film-drawer.tsx';
import { GuidedStart } from './guided-start.tsx';
import { LivePanel } from './live-panel.tsx';
import { PersonPicker } from './person-picker.tsx';
import { SearchBox } from './search-box.tsx';
import { SystemStrip } from './system-strip.tsx';

export const App = ({ store }: { readonly store: PageStore }) => {
  const state = useSyncExternalStore(store.watch, store.get);
  useEffect(() => store.start(), [store]);
  const { list, film } = state;
  const isEmpty = state.system !== null && state.system.items === 0;
  return (
    <>
      <div className="page">
        <header className="top">
          <h1 className="brand">
            <img src="icon.svg" alt="" />
            Freshet <small>as fresh as the last click</small>
          </h1>
          <SearchBox search={state.search} onSearch={store.search} onOpen={store.open} />
          <PersonPicker
            people={state.people}
            person={state.person}
            onPick={store.become}
            onNew={store.becomeNew}
          />
        </header>
        <div className="columns">
          <main>
            {isEmpty ? (
              <GuidedStart />
            ) : (
              <>
                <ChangeBanner list={list} />
                <div className="list-head">
                  <h2>For {state.person.name}</h2>
                  <span className="quiet">
                    {list === null ? 'Loading…' : rungText(list.answer.rung)}
                  </span>
                </div>
                <ol className="films">
                  {(list?.answer.items ?? []).map((item) => (
                    <FilmCard
                      key={item.itemId}
                      item={item}
                      isNew={list?.entered.has(item.itemId) ?? false}
                      rated={state.ratings.get(item.itemId)}
                      onOpen={store.open}
                      onRate={store.rate}
                      onHide={store.hide}
                    />
                  ))}
                </ol>
              </>
            )}
          </main>
          <div className="side">
            <LivePanel
              heading="Trending"
              note="Moves as people act."
              list={state.trending}
              onOpen={store.open}
            />
            <ActivityPanel entries={state.activity} onOpen={store.open} />
          </div>
        </div>
      </div>
      {film === null ? null : (
        <FilmDrawer
          film={film}
          rated={state.ratings.get(film.itemId)}
          onClose={store.close}
          onOpen={store.open}
          onRate={store.rate}
        />
      )}
      {state.notice === null ? null : (
        <div className="notice" role="alert">
          {state.notice.text}
          {state.notice.undo === null ? null : (
            <button type="button" onClick={state.notice.undo}>
              Undo
            </button>
          )}
          <button type="button" onClick={store.dismiss}>
            Close
          </button>
        </div>
      )}
      <SystemStrip connection={state.connection} system={state.system} />
    </>
  );
};

const RUNG_TEXTS: Readonly<Record<string, string>> = {
  personalised: 'from what you did',
  session: 'from this visit',
  content: 'from films like those you opened',
  'category trend': 'what trends in the genres you like',
  trend: 'what trends for everybody; rate something to make it yours',
  latest: 'the newest films; rate something to make it yours',
};

const rungText = (rung: string): string => RUNG_TEXTS[rung] ?? rung;
