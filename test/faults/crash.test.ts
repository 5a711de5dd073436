import { describe, expect, it } from 'vitest';
import { runCrashes } from './crash-run.ts';
import { randomLives } from './life.ts';

const SEED = 20_260_101;

describe('the real program, killed again and again', () => {
  it(`[F1] loses nothing and doubles nothing, seed ${SEED}`, async () => {
    const report = await runCrashes({
      seed: SEED,
      events: 6_000,
      lives: (random) => randomLives(random, 5),
    });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBe(6_000);
  }, 300_000);

  it(`[F1] nor when two workers share the stream, seed ${SEED + 1}`, async () => {
    const report = await runCrashes({
      seed: SEED + 1,
      events: 2_000,
      lives: (random) => randomLives(random, 3),
      streamWorkers: 2,
    });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBe(2_000);
  }, 300_000);
});
