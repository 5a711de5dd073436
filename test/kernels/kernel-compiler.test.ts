import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compiledPath, compileKernel, kernelNames } from './kernel-compiler.ts';

describe('the compiled kernels', () => {
  for (const name of kernelNames()) {
    it(`${name}: building again gives the committed bytes`, async () => {
      expect(await compileKernel(name)).toBe(readFileSync(compiledPath(name), 'utf8'));
    });
  }
});
