/** Programs of the system's packages, installed where they are missing; their own services are not started. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One process at a time: tests in two of them may miss something at the same moment. */
const LOCK = join(tmpdir(), 'freshet-apt.lock');

export const installed = (wanted: {
  readonly package: string;
  readonly program: string;
}): string => {
  if (existsSync(wanted.program)) return wanted.program;
  installPackages(wanted.package);
  if (existsSync(wanted.program)) return wanted.program;
  throw new Error(`Expected ${wanted.package} to bring ${wanted.program}`);
};

export const installPackages = (...packages: readonly string[]): void => {
  // A package may start its server as a service, where there is something that starts services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const aptGet = (...words: readonly string[]) =>
    execFileSync('flock', [LOCK, 'apt-get', '-qq', ...words], { stdio: 'inherit', env });
  aptGet('update');
  aptGet('install', '-y', '--no-install-recommends', ...packages);
};
