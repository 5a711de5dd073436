/**
 * The lives of a crash run: how each begins and how it ends. A life ends at a random moment, while
 * the program is still starting, or at a named crash point on its nth pass; the plan says which.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { INGEST_CRASH_POINTS } from '../../ingest/crash-points.ts';
import { STREAM_CRASH_POINTS } from '../../stream/crash-points.ts';
import { writeImport } from './imports.ts';
import { integerBelow, type Random } from './seeded-random.ts';
import { launchProgram, launchServer, type ServerProcess, startServer } from './server-process.ts';

export type Life =
  | { readonly end: 'at a random moment' }
  | { readonly end: 'while it starts' }
  | { readonly end: 'at a crash point'; readonly point: string; readonly pass: number };

/** Every crash point of the real program: its server, an import into it, and a rebuild. */
export const PROGRAM_CRASH_POINTS: readonly string[] = [
  ...STREAM_CRASH_POINTS,
  ...INGEST_CRASH_POINTS,
];

const NTH_PASS = 3;
/** An import goes on record when it begins and when it ends. */
const NTH_PASS_OF: Readonly<Record<string, number>> = { 'import.after-record': 2 };

/** Each point on its first pass and on a later one. */
export const crashPointLives = (): readonly Life[] =>
  PROGRAM_CRASH_POINTS.flatMap((point) =>
    [1, NTH_PASS_OF[point] ?? NTH_PASS].map((pass) => ({ end: 'at a crash point', point, pass })),
  );

const SHARE_WHILE_STARTING = 0.2;

export const randomLives = (random: Random, count: number): readonly Life[] =>
  Array.from({ length: count }, () => ({
    end: random() < SHARE_WHILE_STARTING ? 'while it starts' : 'at a random moment',
  }));

export interface Surroundings {
  readonly root: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly random: Random;
  readonly lifeMsMax: number;
}

const START_MS_MAX = 1_500;
const LIFE_MS_MIN = 10;
const CRASH_POINT_MS_MAX = 30_000;

/** Lives one life to its end; says where a crash point was not reached. */
export const live = async (life: Life, given: Surroundings): Promise<string | undefined> => {
  switch (life.end) {
    case 'at a random moment': {
      const server = await startServer(given);
      return killedAfter(server, LIFE_MS_MIN + integerBelow(given.random, given.lifeMsMax));
    }
    case 'while it starts':
      return killedAfter(launchServer(given), integerBelow(given.random, START_MS_MAX));
    case 'at a crash point':
      return diesAt(life, given);
  }
};

const killedAfter = async (server: ServerProcess, ms: number): Promise<undefined> => {
  const ended = await Promise.race([server.ended, sleep(ms).then(() => undefined)]);
  if (ended !== undefined) {
    throw new Error(`Expected the server to run, it ended with ${ended}:\n${server.output()}`);
  }
  await server.kill('SIGKILL');
};

const diesAt = async (
  { point, pass }: { readonly point: string; readonly pass: number },
  given: Surroundings,
): Promise<string | undefined> => {
  const environment = { ...given.environment, FRESHET_CRASH_POINT: `${point}@${pass}` };
  const words = [
    '--data',
    given.dataDirectory,
    ...given.flags.filter((flag) => flag !== '--empty'),
  ];
  const program = point.startsWith('stream.rebuild.')
    ? launchProgram(['rebuild', ...words], environment)
    : await startServer({ ...given, environment });
  const helper = point.startsWith('import.')
    ? launchProgram(['import', writeImport(given), '--data', given.dataDirectory])
    : undefined;
  const ended = await Promise.race([
    program.ended,
    sleep(CRASH_POINT_MS_MAX, undefined, { ref: false }).then(() => undefined),
  ]);
  if (ended !== 'SIGKILL') await program.kill('SIGKILL');
  await helper?.kill('SIGKILL');
  if (ended === 'SIGKILL') return;
  return `${point} was not passed ${pass} times (${ended ?? 'it ran on'}): ${program.output()}`;
};
