/**
 * Which server a command talks to: the one that `--url` names, else the one that runs on the data
 * directory and left its address there; and how it is spoken to.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { FreshetError } from '../../schemas/errors.ts';
import { dataPathsOf, ownerOf } from '../data-directory.ts';
import type { Settings } from '../settings.ts';
import type { CommandContext } from './command.ts';

interface ServerFile {
  /** Of the process that wrote it: after a kill the file stays, and another may have the port. */
  readonly pid: number;
  readonly port: number;
  readonly url: string;
}

/** With its base path and without a slash at the end; undefined where none runs. */
export const serverOf = async ({
  text,
  configuration,
}: Pick<CommandContext, 'text' | 'configuration'>): Promise<string | undefined> => {
  const named = text('url');
  if (named === undefined) return serverOn(configuration.settings);
  const url = addressIn(named);
  if (!(await answers(url))) {
    throw new FreshetError('unavailable', { why: `no Freshet answers at ${url}` });
  }
  return url;
};

export const leaveAddress = (path: string, file: ServerFile): void =>
  writeFileSync(path, JSON.stringify(file), { mode: 0o600 });

export const takeAddressBack = (path: string): void => rmSync(path, { force: true });

const serverOn = async ({ dataDirectory }: Settings): Promise<string | undefined> => {
  const { root, server } = dataPathsOf(dataDirectory);
  const file = readServerFile(server);
  if (file === undefined || ownerOf(root) !== file.pid) return undefined;
  return (await answers(file.url)) ? file.url : undefined;
};

const readServerFile = (path: string): ServerFile | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ServerFile;
  } catch {
    // No file, or half of one: no server.
    return undefined;
  }
};

const addressIn = (given: string): string => {
  const url = given.replace(/\/+$/, '');
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw new FreshetError('bad_usage', {
    problem: `Expected --url to be an address such as http://127.0.0.1:8090, got ${given}.`,
  });
};

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );

/** What the server answers; what it refuses is told in its own words. */
export const callServer = async <Answer>(
  method: string,
  url: string,
  body?: unknown,
): Promise<Answer> => {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch((cause: Error) => {
    throw new FreshetError('unavailable', { why: `${url} does not answer any more` }, { cause });
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer;
  const { error } = (answer ?? {}) as { readonly error?: { readonly message: string } };
  const problem = error?.message ?? `The server answered ${response.status}.`;
  throw new FreshetError('bad_request', { problem });
};
