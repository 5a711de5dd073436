/** Chromium for the browser checks: the system's, installed from the system's packages if missing. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const chromiumPath = (): string => {
  const found = PATHS.find((path) => existsSync(path));
  if (found) return found;
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  execFileSync('apt-get', ['install', '-y', '-qq', 'chromium'], { stdio: 'inherit' });
  const installed = PATHS.find((path) => existsSync(path));
  if (!installed) throw new Error(`Expected Chromium at one of ${PATHS.join(', ')}`);
  return installed;
};
