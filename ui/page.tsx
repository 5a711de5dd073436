/** Where the page begins: the store is made, then React shows it. */
import './page.css';
import { createRoot } from 'react-dom/client';
import { createApiClient } from './store/api-client.ts';
import { createPageStore } from './store/page-store.ts';
import { App } from './view/app.tsx';

const base = new URL('.', document.baseURI).href;
const store = createPageStore({
  api: createApiClient(base),
  liveUrl: `${base.replace(/^http/, 'ws')}v1/live`,
  storage: window.localStorage,
});

const root = document.getElementById('page');
if (root) createRoot(root).render(<App store={store} />);
