import { describe, expect, it } from 'vitest';
import type { Clock } from '../../schemas/environment.ts';
import { leisurely } from './leisure.ts';

const WORK_MS = 2;

/** A thread that others keep busy for this share of the time; it sleeps no shorter than a timer does. */
const threadBusyFor = (share: number) => {
  let timeMs = 0;
  let idleMs = 0;
  const clock: Pick<Clock, 'monotonicMs' | 'sleep'> = {
    monotonicMs: () => timeMs,
    async sleep(duration, signal) {
      signal?.throwIfAborted();
      timeMs += Math.max(1, duration);
      idleMs += Math.max(1, duration) * (1 - share);
    },
  };
  return { clock, idleMs: () => idleMs, work: (ms: number) => (timeMs += ms) };
};

/** How long a rest after so much work is. */
const restOf = async (share: number, { knowsIdle = true } = {}): Promise<number> => {
  const { clock, idleMs, work } = threadBusyFor(share);
  const rest = leisurely({ clock, ...(knowsIdle ? { idleMs } : {}) });
  const before = work(WORK_MS);
  await rest();
  return clock.monotonicMs() - before;
};

describe('work that nobody waits for', () => {
  it('takes a quarter of what the thread has to spare, much or little', async () => {
    for (const share of [0, 0.2, 0.5, 0.8]) {
      const spare = (await restOf(share)) * (1 - share);
      expect(spare).toBeGreaterThanOrEqual(3 * WORK_MS);
      expect(spare).toBeLessThan(3 * WORK_MS + 1.1);
    }
  });

  it('goes on where the thread never idles, at a fiftieth of it', async () => {
    expect(await restOf(1)).toBeGreaterThanOrEqual(50 * WORK_MS);
    expect(await restOf(1)).toBeLessThan(60 * WORK_MS);
  });

  it('takes a quarter of all where nobody tells how long the thread idles', async () => {
    expect(await restOf(0.8, { knowsIdle: false })).toBe(3 * WORK_MS);
  });

  it('rests no more once it is given up', async () => {
    const { clock, work } = threadBusyFor(0);
    const ending = new AbortController();
    const rest = leisurely({ clock, signal: ending.signal });
    work(WORK_MS);
    ending.abort(new Error('enough'));
    await expect(rest()).rejects.toThrow('enough');
  });
});
