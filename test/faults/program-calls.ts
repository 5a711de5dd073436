/** What tests ask of the real program over HTTP, and its commands, run to their end. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { type ServerProcess, systemOf } from './server-process.ts';

type Reachable = Pick<ServerProcess, 'url'>;

const POLL_MS = 50;
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

/** Fails where the program does not accept what it is sent. */
export const post = async ({ url }: Reachable, path: string, body: unknown): Promise<Response> => {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
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
export const untilTakenIn = async (server: Reachable): Promise<SystemAnswer> =>
  untilSystem(server, ({ partitions }) => partitions);

/** Until the warehouse has it all as well. */
export const untilCopied = async (server: Reachable): Promise<SystemAnswer> =>
  untilSystem(server, ({ partitions, sinks }) => [...partitions, ...sinks]);

const untilSystem = async (
  server: Reachable,
  followers: (system: SystemAnswer) => readonly { readonly lag: number }[],
): Promise<SystemAnswer> => {
  for (;;) {
    const system = await systemOf(server);
    const isLevel = followers(system).every(({ lag }) => lag === 0);
    if (isLevel && system.health.status === 'ready') return system;
    await sleep(POLL_MS);
  }
};
