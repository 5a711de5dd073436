/** `freshet import` in a process of its own, as a user types it, until it ends. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const runImport = (path: string, directory: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const words = [join(import.meta.dirname, '../runtime/main.ts'), 'import', path, '--data'];
    const child = spawn(process.execPath, [...words, directory], { stdio: 'ignore' });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`Expected an import, got exit code ${code}.`)),
    );
  });
