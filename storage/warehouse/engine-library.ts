/**
 * Where ClickHouse's engine lies on this machine. It comes as an optional dependency: without it,
 * or on a platform that it was not built for, Freshet runs without a warehouse and says so.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface EngineAvailability {
  readonly available: boolean;
  /** One sentence for a person, where it is not available. */
  readonly why?: string;
  /** Path of the shared library, where it is. */
  readonly library?: string;
}

const PLATFORMS: ReadonlySet<string> = new Set([
  'linux-x64',
  'linux-arm64',
  'darwin-x64',
  'darwin-arm64',
]);

const HERE = `${process.platform}-${process.arch}`;

export const embeddedClickHouseAvailable = (platform = HERE): EngineAvailability => {
  if (!PLATFORMS.has(platform)) {
    return { available: false, why: `The embedded ClickHouse is not built for ${platform}.` };
  }
  const library = locateLibrary(platform);
  if (library === undefined) {
    return {
      available: false,
      why: 'The optional packages chdb and ffi-rs are not installed; `npm install` brings them.',
    };
  }
  return { available: true, library };
};

const locateLibrary = (platform: string): string | undefined => {
  const packageName = `@chdb/lib-${platform}${platform.startsWith('linux') ? '-gnu' : ''}`;
  try {
    const here = createRequire(import.meta.url);
    here.resolve('ffi-rs');
    // The library's package belongs to chdb and may lie below it.
    const chdb = createRequire(here.resolve('chdb/package.json'));
    const library = join(dirname(chdb.resolve(`${packageName}/package.json`)), 'libchdb.so');
    return existsSync(library) ? library : undefined;
  } catch {
    // Not installed: what this function is there to find out.
    return undefined;
  }
};
