/** Where the data for measuring lies: FRESHET_DATA, else `../shared/data` beside the repository. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

export const dataDirectory = (): string => process.env.FRESHET_DATA ?? join(ROOT, '../shared/data');

export const dataFile = (name: string): string => join(dataDirectory(), name);

export const isPresent = (name: string): boolean => existsSync(dataFile(name));

/** The one line that says what did not run. */
export const absenceOf = (name: string, what: string): string =>
  `Not run: ${what} (no ${name} in FRESHET_DATA or ../shared/data).`;
