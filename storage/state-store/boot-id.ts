/**
 * Names the run of the machine: what was written without a flush is complete as long as the kernel that
 * took it is still running, and can be anything once it is not.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { promisify } from 'node:util';

/** undefined where the machine does not say: then nothing unflushed is trusted. */
export const readBootId = async (): Promise<string | undefined> => {
  try {
    if (platform() === 'linux') {
      return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    }
    const { stdout } = await promisify(execFile)('sysctl', ['-n', 'kern.bootsessionuuid']);
    return stdout.trim();
  } catch {
    return undefined;
  }
};
