import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compiledPath, compileKernel, kernelNames } from './kernel-compiler.ts';

describe('the compiled kernels', () => {
  for (const name of kernelNames()) {
    it(`${name}: building again gives the committed bytes`, async () => {
      expect(await compileKernel(name)).toBe(readFileSync(compiledPath(name), 'utf8'));
    });

    it(`${name}: brings no data that would be written over the shared memory`, async () => {
      const builds: Record<string, string> = await import(compiledPath(name));
      for (const base64 of Object.values(builds)) {
        expect(sectionsOf(Buffer.from(base64, 'base64'))).not.toContain(DATA_SECTION);
      }
    });
  }
});

const DATA_SECTION = 11;

/** The ids of a module's sections, in order. */
const sectionsOf = (module: Buffer): number[] => {
  const ids: number[] = [];
  for (let at = 8; at < module.length; ) {
    ids.push(module[at]!);
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at += 1;
      byte = module[at]!;
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte >= 0x80);
    at += 1 + length;
  }
  return ids;
};
