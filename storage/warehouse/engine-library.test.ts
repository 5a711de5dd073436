import { describe, expect, it } from 'vitest';
import { embeddedClickHouseAvailable } from './engine-library.ts';

describe('the embedded engine', () => {
  it('says where it is, or in one sentence why it is not there', () => {
    const { available, library, why } = embeddedClickHouseAvailable();
    expect(available).toBe(library !== undefined);
    expect(why === undefined).toBe(available);
  });

  it('is not there on a platform that it is not built for', () => {
    expect(embeddedClickHouseAvailable('win32-x64')).toEqual({
      available: false,
      why: 'The embedded ClickHouse is not built for win32-x64.',
    });
  });

  it('is not there where its packages were not installed', () => {
    const elsewhere = process.platform === 'darwin' ? 'linux-arm64' : 'darwin-arm64';
    expect(embeddedClickHouseAvailable(elsewhere)).toMatchObject({
      available: false,
      why: expect.stringContaining('not installed'),
    });
  });
});
