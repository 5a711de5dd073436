/** The keys of a data directory's people: where they lie, and who opens them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PersonKeeper } from '../ingest/forgetting/forgetting.ts';
import type { EpochMs, Offset } from '../schemas/ids.ts';
import { createKeyFile } from '../storage/event-log/sealing/key-file.ts';
import { addressOfText, addressText } from '../storage/event-log/sealing/person-address.ts';
import { PersonKeys } from '../storage/event-log/sealing/person-keys.ts';
import { createCrashPoint } from './crash-point.ts';
import type { DataPaths } from './data-directory.ts';
import { environment } from './environment.ts';
import { randomBytes } from './random.ts';

export const keyFileOf = ({ keys }: Pick<DataPaths, 'keys'>): string => join(keys, 'people.keys');

export const hasPersonKeys = (paths: Pick<DataPaths, 'keys'>): boolean =>
  existsSync(keyFileOf(paths));

export const makePersonKeys = (paths: Pick<DataPaths, 'keys'>): void => {
  mkdirSync(paths.keys, { recursive: true, mode: 0o700 });
  createKeyFile(keyFileOf(paths), randomBytes);
};

/** Those that are there, or new ones, where nobody owns the directory yet. */
export const providePersonKeys = (paths: Pick<DataPaths, 'keys'>): PersonKeys => {
  if (!hasPersonKeys(paths)) makePersonKeys(paths);
  return openPersonKeys(paths);
};

/** For one thread of the owner, or for whoever reads along. */
export const openPersonKeys = (paths: Pick<DataPaths, 'keys'>): PersonKeys =>
  PersonKeys.ofFile({
    path: keyFileOf(paths),
    randomBytes,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
  });

/** What a desk that forgets wants of keys, wherever they are kept, but for destroying them. */
export const sealerOf = (keys: PersonKeys): Omit<PersonKeeper, 'destroy'> => ({
  addressOf: (subject) => addressText(keys.addressOf(subject)),
  seal: (address, record) => keys.sealFor(addressOfText(address), record),
  keyIn: (sealed) => {
    const place = { timestamp: 0 as EpochMs, offset: 0 as Offset };
    return keys.open({ key: null, value: sealed, ...place }).key ?? undefined;
  },
  isDestroyed: (address) => keys.isDestroyed(addressOfText(address)),
  retire: (address) => keys.retire(addressOfText(address)),
});
