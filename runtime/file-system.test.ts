import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { existingPart, fileSystemTypeOf, refuseNetworkFileSystem } from './file-system.ts';

describe('the file system of a data directory', () => {
  it('may be local, and is looked at before the directory is made', () => {
    const path = join(tmpdir(), 'not', 'there', 'yet');
    expect(existingPart(path)).toBe(tmpdir());
    expect(() => refuseNetworkFileSystem(path, fileSystemTypeOf(path))).not.toThrow();
  });

  it('must not be of a network, and the refusal says what to do', () => {
    expect(() => refuseNetworkFileSystem('/mnt/share', 0x6969)).toThrow(
      'Expected /mnt/share to lie on a local disk, it lies on NFS; choose another directory with --data.',
    );
  });
});
