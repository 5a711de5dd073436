/** The whole page: the person's list in the middle, what moves beside it, the machine below. */
import { useEffect, useSyncExternalStore } from 'react';
import type { PageState } from '../store/page-state.ts';
import type { PageStore } from '../store/page-store.ts';
import { ActivityPanel } from './activity-panel.tsx';
import { ChangeBanner } from './change-banner.tsx';
import { FilmDrawer } from './film-drawer.tsx';
import { FilmList } from './film-list.tsx';
import { GuidedStart } from './guided-start.tsx';
import { LivePanel } from './live-panel.tsx';
import { NoticeBar } from './notice-bar.tsx';
import { PersonPicker } from './person-picker.tsx';
import { SearchBox } from './search-box.tsx';
import { SystemStrip } from './system-strip.tsx';

interface AppProps {
  readonly store: PageStore;
  readonly base: string;
}

interface PartProps {
  readonly store: PageStore;
  readonly state: PageState;
}

export const App = ({ store, base }: AppProps) => {
  const state = useSyncExternalStore(store.watch, store.get);
  useEffect(() => store.start(), [store]);
  const { film, notice, system } = state;
  return (
    <>
      <div className="page">
        <Top store={store} state={state} />
        {state.connection === 'reconnecting' ? (
          <p className="offline" role="status">
            Freshet does not answer. What you see is the last that it said; trying again…
          </p>
        ) : null}
        <div className="columns">
          <main>
            {system?.answer.catalogue.items === 0 ? (
              <GuidedStart base={base} />
            ) : (
              <Main store={store} state={state} />
            )}
          </main>
          <div className="side">
            <LivePanel list={state.trending} onOpen={store.open} onBecome={store.become} />
            <ActivityPanel entries={state.activity} onOpen={store.open} onBecome={store.become} />
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
          onHide={store.hide}
        />
      )}
      {notice === null ? null : (
        <NoticeBar notice={notice} onUndo={store.undo} onDismiss={store.dismiss} />
      )}
      <SystemStrip connection={state.connection} system={system} />
    </>
  );
};

const Top = ({ store, state }: PartProps) => (
  <header className="top">
    <h1 className="brand">
      <img src="icon.svg" alt="" />
      Freshet <small>as fresh as the last click</small>
    </h1>
    <SearchBox search={state.search} onSearch={store.search} onOpen={store.open} />
    <PersonPicker
      own={state.own}
      others={state.others}
      person={state.person}
      onPick={store.become}
      onNew={store.becomeNew}
    />
  </header>
);

const Main = ({ store, state }: PartProps) => (
  <>
    <ChangeBanner
      list={state.list}
      person={state.person}
      isOneself={state.own.some(({ id }) => id === state.person.id)}
    />
    <FilmList
      list={state.list}
      person={state.person}
      ratings={state.ratings}
      onOpen={store.open}
      onRate={store.rate}
      onHide={store.hide}
    />
  </>
);
