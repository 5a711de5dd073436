/**
 * The power-loss shim for whole processes: a small library of C that lies under the program and keeps
 * what has really been flushed (`power-loss-shim.c`). Run the program with `environment`, kill it, call
 * `cutPower` on its data directory, and start it again: what was not flushed is gone, or is there page
 * by page, at random. It needs Linux and a C compiler.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { HEADER_BYTES, mixPages } from './power-cut.ts';

export interface PowerLossShim {
  readonly environment: Readonly<Record<string, string>>;
}

/** Builds the library into the directory; undefined, with the reason, where that is not possible. */
export const buildPowerLossShim = (
  directory: string,
): PowerLossShim | { readonly missing: string } => {
  if (platform() !== 'linux') return { missing: 'the shim is preloaded as Linux does it' };
  const library = join(directory, 'power-loss-shim.so');
  const source = join(import.meta.dirname, 'power-loss-shim.c');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    return { missing: `no C compiler built it: ${(error as Error).message.split('\n')[0]}` };
  }
  return { environment: { LD_PRELOAD: library } };
};

/**
 * Leaves in a data directory what a power cut leaves at the moment when its process was killed: log
 * topics under `log`, state partitions under `state`.
 */
export const cutPower = (dataDirectory: string, random: () => number): void => {
  for (const topic of entriesOf(join(dataDirectory, 'log'))) cutDataFile(topic, random);
  for (const partition of entriesOf(join(dataDirectory, 'state'))) {
    cutDataFile(partition, random);
    const sessionFile = join(partition, 'session.json');
    if (!existsSync(sessionFile)) continue;
    const session = JSON.parse(readFileSync(sessionFile, 'utf8')) as object;
    writeFileSync(sessionFile, JSON.stringify({ ...session, bootId: 'before the power cut' }));
  }
};

const entriesOf = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];

const cutDataFile = (directory: string, random: () => number): void => {
  const dataFile = join(directory, 'data.mdb');
  if (!existsSync(dataFile)) return;
  const imageFile = `${dataFile}.flushed`;
  const image = existsSync(imageFile) ? readFileSync(imageFile) : Buffer.alloc(0);
  const left = mixPages(image, readFileSync(dataFile), random);
  // What the header says is never ahead of what was flushed before it.
  image.copy(left, 0, 0, Math.min(HEADER_BYTES, image.length));
  writeFileSync(dataFile, left);
  writeFileSync(imageFile, left);
  rmSync(join(directory, 'lock.mdb'), { force: true });
};
