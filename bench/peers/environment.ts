/**
 * The Python that peers run in: a virtual environment in the user's cache directory, outside the
 * repository, with the packages that a part names installed at their stated versions.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const ENVIRONMENT = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'freshet-peers');
const PYTHON = join(ENVIRONMENT, 'bin/python');

export const installPackages = (packages: readonly string[]): void => {
  if (!existsSync(PYTHON)) {
    mkdirSync(ENVIRONMENT, { recursive: true });
    execFileSync('python3', ['-m', 'venv', ENVIRONMENT]);
  }
  const quiet = ['--quiet', '--disable-pip-version-check'];
  execFileSync(PYTHON, ['-m', 'pip', 'install', ...quiet, ...packages], { stdio: 'inherit' });
};

/** Runs a script of this folder; its last line of output is JSON. */
export const runPython = <Answer>(
  script: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Answer => {
  const output = execFileSync(PYTHON, [join(import.meta.dirname, script), ...words], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.trim().split('\n').at(-1)!) as Answer;
};

/** Arrays as raw files of a directory that is gone afterwards. */
export const withFiles = async <Result>(
  arrays: Readonly<Record<string, NodeJS.ArrayBufferView>>,
  use: (directory: string) => Promise<Result>,
): Promise<Result> => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-peer-'));
  try {
    for (const [name, array] of Object.entries(arrays)) {
      writeFileSync(join(directory, name), array);
    }
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
