/** The lines that a start ends with: where the page is, and three calls that work when pasted. */
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { ownUrlOf } from '../http/own-url.ts';
import type { Instance } from '../instance.ts';
import type { Settings } from '../settings.ts';

/** A person whom nobody knows yet. */
const NEWCOMER = 'ada';

export const bannerLines = async (
  instance: Instance,
  settings: Settings,
): Promise<readonly string[]> => {
  const url = ownUrlOf(settings, instance.port);
  const ending = `Ctrl-C stops; your data stays in ${settings.dataDirectory}`;
  const film = await firstFilmFor(url);
  if (film === undefined) {
    return ['', `Freshet is running: ${url}`, 'It is empty; the page says how to begin.', ending];
  }
  return [
    '',
    `Freshet is running: ${url}`,
    '',
    'A new person’s list, a rating of a film in it, and the list again:',
    `  curl '${url}/v1/users/${NEWCOMER}/recommendations?limit=5'`,
    `  curl '${url}/v1/events' -H 'content-type: application/json' -d '{"userId":"${NEWCOMER}","itemId":"${film}","kind":"rating","value":5}'`,
    `  curl '${url}/v1/users/${NEWCOMER}/recommendations?limit=5'`,
    '',
    ending,
  ];
};

const firstFilmFor = async (url: string): Promise<string | undefined> => {
  const response = await fetch(`${url}/v1/users/${NEWCOMER}/recommendations?limit=5`);
  if (!response.ok) return undefined;
  return ((await response.json()) as ListAnswer).items[0]?.itemId;
};
