/**
 * Others' programs in Java, fetched by Maven once into the user's cache directory. Java and Maven come
 * from the system's packages where they are missing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from './debian-program.ts';

export const SERVICES_CACHE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'freshet-services',
);

/** Whole or not at all: a directory of its own that gets its name once everything is in it. */
export const fetchedOnce = (name: string, fetchInto: (unfinished: string) => void): string => {
  const directory = join(SERVICES_CACHE, name);
  if (existsSync(directory)) return directory;
  mkdirSync(SERVICES_CACHE, { recursive: true });
  installJava();
  const unfinished = mkdtempSync(join(SERVICES_CACHE, 'unfinished-'));
  fetchInto(unfinished);
  if (existsSync(directory)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, directory);
  return directory;
};

export const runMaven = (words: readonly string[], cwd: string): void => {
  execFileSync('mvn', ['-q', '-B', ...words], { cwd, stdio: 'inherit' });
};

const installJava = (): void => {
  const missing = [
    ...(isThere('java') ? [] : ['default-jre-headless']),
    ...(isThere('mvn') ? [] : ['maven']),
  ];
  if (missing.length > 0) installPackages(...missing);
};

const isThere = (program: string): boolean => {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
