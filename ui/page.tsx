/** Where the page begins: the store is made, then React shows it. */
import './page.css';
import { createRoot } from 'react-dom/client';
import { createApiClient } from './store/api-client.ts';
import { monotonicNowMs } from './store/clock.ts';
import { openLiveConnection } from './store/live-connection.ts';
import { PageStore } from './store/page-store.ts';
import { App } from './view/app.tsx';

/** `randomUUID` exists only in secure contexts, and a demo may run on a plain address in a network. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

const base = new URL('.', document.baseURI).href;
const store = new PageStore({
  api: createApiClient(base),
  liveUrl: `${base.replace(/^http/, 'ws')}v1/live`,
  connect: openLiveConnection,
  storage: window.localStorage,
  now: monotonicNowMs,
  newId,
});

const root = document.getElementById('page');
if (root) createRoot(root).render(<App store={store} base={base} />);
