import { describe, expect, it } from 'vitest';
import type { TrainingAnswer } from '../../schemas/api/models.ts';
import { trainingLine } from './model-lines.ts';

const training: TrainingAnswer = {
  runId: 'r',
  kinds: ['als'],
  startedAt: '2026-01-31T03:00:00.000Z',
  stage: 'fitting',
  model: 'als',
  share: 0.4,
  eventsRead: 1_200_000,
  sharePerMinute: 0.16,
  remainingMs: 225_000,
};

describe('a running training on the terminal', () => {
  it('says what it fits, how fast it goes and how long it will take', () => {
    expect(trainingLine(training)).toBe('fitting als, 16 % a minute, 3 min 45 s left');
  });

  it('says how many events it has read while it reads', () => {
    const reading = { ...training, stage: 'reading', model: null, sharePerMinute: 0.034 } as const;
    expect(trainingLine(reading)).toBe(
      'reading, 1,200,000 events, 3.4 % a minute, 3 min 45 s left',
    );
  });

  it('promises nothing before it has begun', () => {
    const first = { stage: 'reading', model: null, eventsRead: 0 } as const;
    const unknown = { sharePerMinute: null, remainingMs: null };
    expect(trainingLine({ ...training, ...first, ...unknown })).toBe('reading');
  });
});
