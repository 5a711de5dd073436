import { describe, expect, it } from 'vitest';
import { ImplicitAls } from '../algorithms/factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../algorithms/factors/implicit-als-options.ts';
import type { HoldOutScore } from '../schemas/release.ts';
import { faultsOfModel, faultsOfQuality } from './gate.ts';

const OPTIONS = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: 2 };
const model = (factors: readonly number[]): Uint8Array =>
  new ImplicitAls({
    itemCount: factors.length / 2,
    factors: Float32Array.from(factors),
    options: OPTIONS,
  }).serialise();
const score = (name: string, ndcg: number): HoldOutScore => ({
  name,
  hitRate: 0.5,
  ndcg,
  ndcgMargin: 0.01,
});
const GATE = { marginToFormer: 0.05 };

describe('the gate, by what a model holds', () => {
  const sound = model([1, 0, 0, 1, 1, 1]);

  it('lets a sound model pass', () => {
    expect(faultsOfModel({ kind: 'als', bytes: sound, itemCount: 3 })).toEqual([]);
  });

  it('refuses numbers that are none', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bytes = model([1, 0, bad, 1, 1, 1]);
      expect(faultsOfModel({ kind: 'als', bytes, itemCount: 3 })).not.toEqual([]);
    }
  });

  it('refuses a model that lacks items', () => {
    const [fault] = faultsOfModel({ kind: 'als', bytes: sound, itemCount: 4 });
    expect(fault).toContain('knows 3 items, expected 4');
  });

  it('refuses bytes that are cut off, of another kind, or of other dimensions', () => {
    const cut = sound.slice(0, sound.length - 8);
    expect(faultsOfModel({ kind: 'als', bytes: cut, itemCount: 3 })).not.toEqual([]);
    expect(faultsOfModel({ kind: 'item2vec', bytes: sound, itemCount: 3 })).not.toEqual([]);
    const wide = new ImplicitAls({
      itemCount: 3,
      factors: new Float32Array(6),
      options: { ...OPTIONS, dimensions: 3 },
    }).serialise();
    expect(faultsOfModel({ kind: 'als', bytes: wide, itemCount: 3 })).not.toEqual([]);
  });
});

describe('the gate, by how lists did', () => {
  it('refuses lists worse than what is popular', () => {
    const verdict = { candidate: score('blend', 0.09), popularity: score('popular', 0.1) };
    expect(faultsOfQuality({ ...verdict, duel: undefined }, GATE)).toHaveLength(1);
    const better = { ...verdict, candidate: score('blend', 0.11) };
    expect(faultsOfQuality({ ...better, duel: undefined }, GATE)).toEqual([]);
  });

  it('refuses lists worse than those of the release in use by more than the margin', () => {
    const faultsAt = (ndcg: number) =>
      faultsOfQuality(
        {
          candidate: score('blend', 0.3),
          popularity: score('popular', 0.1),
          duel: { candidate: score('blend', ndcg), former: score('release in use', 0.2) },
        },
        GATE,
      );
    expect(faultsAt(0.191)).toEqual([]);
    expect(faultsAt(0.189)).toHaveLength(1);
  });
});
