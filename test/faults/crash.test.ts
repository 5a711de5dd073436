import { describe, expect, it } from 'vitest';
import { runCrashes } from './crash-run.ts';

const SEED = 20_260_101;

describe('the real program, killed again and again', () => {
  it(`loses nothing and doubles nothing, seed ${SEED}`, async () => {
    const report = await runCrashes({ seed: SEED, events: 6_000, kills: 5, crashPoints: [] });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBe(6_000);
    expect(report.kills).toBe(5);
  }, 90_000);
});
