// Runs before `npm start` and `npm test`, on whatever Node.js npm itself runs on, and needs no
// packages: installs what package-lock.json names when that has changed since the last time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stampFile = join(root, 'node_modules', '.freshet-installed');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex');

const isUpToDate = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted;
if (!isUpToDate) {
  if (!['linux', 'darwin'].includes(process.platform)) {
    console.error('Freshet runs on Linux and macOS; on Windows run it inside WSL.');
    process.exit(1);
  }
  console.log(
    'Installing packages: about 250 MB to fetch (Node.js 24 and the embedded ClickHouse are most\n' +
      'of it), 900 MB on disk; usually under a minute. This happens once.',
  );
  const began = Date.now();
  // Not `npm ci`: it refuses a lock file that lacks the packages of some other platform, and a lock
  // file written on one platform may.
  const words = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync('npm', words, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    console.error(
      'Expected `npm install` to succeed. Check the network and the free disk space, then try again.',
    );
    process.exit(1);
  }
  writeFileSync(stampFile, wanted);
  console.log(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`);
}
