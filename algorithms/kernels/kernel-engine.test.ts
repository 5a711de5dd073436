import { afterAll, describe, expect, it } from 'vitest';
import { inlineEngine, type KernelEngine, type Wave } from './kernel-engine.ts';
import { KernelPool } from './kernel-pool.ts';
import { type TileKernels, tileKernels } from './tiles.ts';

const EDGE = 8;

/** One call a tile: its Cholesky factor. */
const factorWave = (tiles: Float64Array, count: number): Wave<TileKernels> => ({
  module: tileKernels,
  build: 'plain',
  kernel: 'reduceF64',
  calls: Array.from({ length: count }, (_, tile) => [
    tiles.byteOffset + tile * EDGE * EDGE * 8,
    EDGE,
    0,
    0,
  ]),
});

const identityTiles = (engine: KernelEngine, count: number): Float64Array => {
  const tiles = engine.memory.region().f64(count * EDGE * EDGE);
  for (let tile = 0; tile < count; tile++) {
    for (let k = 0; k < EDGE; k++) tiles[tile * EDGE * EDGE + k * (EDGE + 1)] = 4 + tile;
  }
  return tiles;
};

const pool = new KernelPool(2);
afterAll(() => pool.close());

for (const [name, engine] of [
  ['inline', inlineEngine()],
  ['two threads', pool],
] as const) {
  describe(`a kernel engine, ${name}`, () => {
    it('makes every call of a wave once and gives what each returned', async () => {
      const tiles = identityTiles(engine, 40);
      tiles[7 * EDGE * EDGE + 3 * (EDGE + 1)] = -1;
      const answers = await engine.run(factorWave(tiles, 40), { seed: 1 });
      expect([...answers]).toEqual(Array.from({ length: 40 }, (_, k) => (k === 7 ? 4 : 0)));
      for (let tile = 0; tile < 40; tile++) {
        expect(tiles[tile * EDGE * EDGE]).toBe(Math.sqrt(4 + tile));
      }
    });

    it('does nothing for a wave without calls', async () => {
      const tiles = identityTiles(engine, 1);
      expect(await engine.run(factorWave(tiles, 0), { seed: 1 })).toHaveLength(0);
    });

    it('tells how far it is, up to the end', async () => {
      const shares: number[] = [];
      const onProgress = (share: number): number => shares.push(share);
      const tiles = identityTiles(engine, 9);
      await engine.run(factorWave(tiles, 9), { seed: 1, onProgress });
      expect(Math.max(...shares)).toBe(1);
    });

    it('stops when it is told to and works on afterwards', async () => {
      const stop = new AbortController();
      const tiles = identityTiles(engine, 200);
      const running = engine.run(factorWave(tiles, 200), {
        seed: 1,
        signal: stop.signal,
        onProgress: () => stop.abort(new Error('stopped')),
      });
      await expect(running).rejects.toThrow('stopped');
      const again = identityTiles(engine, 2);
      expect(await engine.run(factorWave(again, 2), { seed: 1 })).toHaveLength(2);
    });

    it('says what a kernel failed of and works on afterwards', async () => {
      const outside = {
        ...factorWave(identityTiles(engine, 1), 1),
        calls: [[2 ** 32 - 64, 8, 0, 0]],
      };
      await expect(engine.run(outside, { seed: 1 })).rejects.toThrow(/out of bounds/);
      const again = identityTiles(engine, 2);
      expect(await engine.run(factorWave(again, 2), { seed: 1 })).toHaveLength(2);
    });
  });
}

describe('the memory of an engine', () => {
  it('uses released space again, as zeros', () => {
    const { memory } = inlineEngine();
    const first = memory.region();
    const held = first.f32(100).fill(7);
    memory.region().f32(1);
    first.release();
    const again = memory.region().f32(100);
    expect(again.byteOffset).toBe(held.byteOffset);
    expect(again.every((value) => value === 0)).toBe(true);
  });

  it('joins neighbours that were released in any order', () => {
    const { memory } = inlineEngine();
    const regions = Array.from({ length: 5 }, () => memory.region());
    const starts = regions.map((region) => region.bytes(1000));
    for (const k of [3, 1, 0, 2]) regions[k]!.release();
    expect(memory.region().bytes(4 * 1024)).toBe(starts[0]);
    expect(memory.usedBytes).toBe(5 * 1024);
  });

  it('grows under views that stay valid, and refuses more than it can hold', () => {
    const { memory } = inlineEngine();
    const region = memory.region();
    const early = region.f64(1).fill(5);
    region.f64(1_000_000)[999_999] = 3;
    expect(early[0]).toBe(5);
    expect(() => region.bytes(2 ** 32)).toThrow(/at most 4,096 MiB/);
  });
});
