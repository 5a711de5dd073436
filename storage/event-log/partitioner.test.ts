import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('partitionOf', () => {
  it('[L3] hashes as the Java client of Kafka does: the vectors of its own test', () => {
    const vectors: readonly (readonly [string, number])[] = [
      ['21', -973932308],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
      ['a-little-bit-longer-string', -1486304829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
      ['abc', 479470107],
    ];
    for (const [text, hash] of vectors) expect(murmur2(bytes(text)) | 0).toBe(hash);
  });

  it('[L3] gives equal keys one partition, as text or as bytes, within the count', () => {
    for (const key of ['u:alice', 's:1', '__proto__', '', '☃ 😀', '../x']) {
      for (const count of [1, 2, 7, 64]) {
        const partition = partitionOf(key, count);
        expect(partition).toBe(partitionOf(bytes(key), count));
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(count);
      }
    }
  });

  it('[L3] spreads keys evenly enough that no partition holds twice its share', () => {
    const counts = new Array<number>(8).fill(0);
    for (let user = 0; user < 8_000; user += 1) {
      const partition = partitionOf(`u:${user}`, 8);
      counts[partition] = counts[partition]! + 1;
    }
    expect(Math.max(...counts)).toBeLessThan(1_200);
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});
