/** A program of the system's packages, installed where it is missing; its own service is not started. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const installed = (wanted: {
  readonly package: string;
  readonly program: string;
}): string => {
  if (existsSync(wanted.program)) return wanted.program;
  // A package may start its server as a service, where there is something that starts services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const aptGet = (...words: string[]) =>
    execFileSync('apt-get', ['-qq', ...words], { stdio: 'inherit', env });
  aptGet('update');
  aptGet('install', '-y', '--no-install-recommends', wanted.package);
  if (existsSync(wanted.program)) return wanted.program;
  throw new Error(`Expected ${wanted.package} to bring ${wanted.program}`);
};
