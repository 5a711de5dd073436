import { describe, expect, it } from 'vitest';
import { ManualClock, settled } from '../test/serving/serving-fixture.ts';
import { LastKnown } from './last-known.ts';

const PATIENCE_MS = 1_001;

describe('what is asked of a server that may be away', () => {
  it('is its answer while it answers', async () => {
    let answers = 0;
    const known = new LastKnown(new ManualClock(), async () => ++answers);
    expect(await known.tell()).toEqual({ answer: 1, problem: null });
    expect(await known.tell()).toEqual({ answer: 2, problem: null });
  });

  it('is its last answer and what is wrong while it fails', async () => {
    let isAway = false;
    const known = new LastKnown(new ManualClock(), async () => {
      if (isAway) throw new Error('nobody is there');
      return 'all is well';
    });
    await known.tell();
    isAway = true;
    expect(await known.tell()).toEqual({ answer: 'all is well', problem: 'nobody is there' });
    isAway = false;
    expect(await known.tell()).toEqual({ answer: 'all is well', problem: null });
  });

  it('is known within a second, and asked no second time while it is silent', async () => {
    const clock = new ManualClock();
    const answers: ((answer: string) => void)[] = [];
    const known = new LastKnown(clock, () => new Promise<string>((answer) => answers.push(answer)));
    const first = known.tell();
    await clock.advance(PATIENCE_MS);
    answers[0]!('the first is waited for');
    expect(await first).toEqual({ answer: 'the first is waited for', problem: null });
    for (let times = 0; times < 2; times += 1) {
      const late = known.tell();
      await clock.advance(PATIENCE_MS);
      expect(await late).toEqual({
        answer: 'the first is waited for',
        problem: expect.stringContaining('no answer'),
      });
    }
    expect(answers).toHaveLength(2);
    answers[1]!('at last');
    await settled();
    const last = known.tell();
    answers[2]!('and again');
    expect(await last).toEqual({ answer: 'and again', problem: null });
  });
});
