/** Which file systems LMDB cannot live on: two hosts that map one file do not see each other's writes. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { FreshetError } from '../schemas/errors.ts';

/** Numbers of statfs(2). */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  16914839: '9p',
  1702057286: 'FUSE',
};

/** The name of a network file system, undefined for a local one. */
export const networkFileSystem = (type: number): string | undefined => NETWORK_FILE_SYSTEMS[type];

/** The path itself, or the nearest above it that exists. */
export const existingPart = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : existingPart(dirname(path));

export const fileSystemTypeOf = (path: string): number => statfsSync(existingPart(path)).type;

export const refuseNetworkFileSystem = (directory: string, type: number): void => {
  const found = networkFileSystem(type);
  if (found !== undefined) throw new FreshetError('network_file_system', { directory, found });
};
