/** What tests ask of the real program over HTTP, and its commands, run to their end. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { type ServerProcess, systemOf } from './server-process.ts';

export type Reachable = Pick<ServerProcess, 'url'> & Partial<Pick<ServerProcess, 'output'>>;

const POLL_MS = 50;
const WAIT_MS_MAX = 100_000;
/** A command that goes on for ever must fail its test, not hold it up. */
const COMMAND_MS_MAX = 60_000;

/** A command of the real program, with what it printed. */
export const runCommand = (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) =>
  spawnSync(process.execPath, ['runtime/main.ts', ...words], {
    cwd: new URL('../..', import.meta.url),
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: COMMAND_MS_MAX,
  });

/** Whatever the answer is. */
export const tryPost = ({ url }: Reachable, path: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Fails where the program does not accept what it is sent. */
export const post = async (server: Reachable, path: string, body: unknown): Promise<Response> => {
  const answer = await tryPost(server, path, body);
  if (answer.ok) return answer;
  throw new Error(`Expected ${path} to be accepted, got ${await answer.text()}`);
};

/** Sends events in batches of so many. */
export const postEvents = async (
  server: Reachable,
  events: readonly unknown[],
  batchEvents = 100,
): Promise<void> => {
  for (let from = 0; from < events.length; from += batchEvents) {
    await post(server, '/v1/events', { events: events.slice(from, from + batchEvents) });
  }
};

/** Until every partition has taken in what the log holds. */
export const untilTakenIn = (server: Reachable): Promise<SystemAnswer> =>
  untilSystem(server, (system) => isReady(system) && isLevel(system.partitions));

/** Until the warehouse has it all as well. */
export const untilCopied = (server: Reachable, msMax?: number): Promise<SystemAnswer> =>
  untilSystem(
    server,
    (system) => isReady(system) && isLevel([...system.partitions, ...system.sinks]),
    msMax,
  );

const isReady = ({ health }: SystemAnswer): boolean => health.status === 'ready';

export const isLevel = (followers: readonly { readonly lag: number }[]): boolean =>
  followers.every(({ lag }) => lag === 0);

/** Until the program says of itself what is waited for; fails with what it said last. */
export const untilSystem = async (
  server: Reachable,
  isReached: (system: SystemAnswer) => boolean,
  msMax = WAIT_MS_MAX,
): Promise<SystemAnswer> => {
  const deadlineMs = performance.now() + msMax;
  for (;;) {
    const system = await systemOf(server);
    if (isReached(system)) return system;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `Expected another state, got ${JSON.stringify(system)}\n${server.output?.()}`,
      );
    }
    await sleep(POLL_MS);
  }
};
