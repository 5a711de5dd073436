import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of a few megabytes, where the machine lets us mount one. */
export const mountSmallDisk = (): { path: string; unmount: () => void } | undefined => {
  const path = mkdtempSync(join(tmpdir(), 'freshet-disk-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'freshet-test', path], {
      stdio: 'ignore',
    });
  } catch {
    remove();
    return undefined;
  }
  const unmount = () => {
    execFileSync('umount', ['-l', path]);
    remove();
  };
  return { path, unmount };
};
