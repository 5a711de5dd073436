import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../schemas/ids.ts';
import type { TrainingOutcome, TrainingRunRecord } from '../schemas/release.ts';
import { trainingAlarms } from './training-alarms.ts';

const run = (outcome: TrainingOutcome, reasons: readonly string[] = []): TrainingRunRecord => ({
  number: 0,
  runId: outcome,
  outcome,
  version: outcome === 'promoted' ? 'v1' : null,
  reasons,
  remarks: [],
  holdOut: null,
  seconds: 1,
  startedAt: 0 as EpochMs,
});

const REFUSED = run('refused', ['its lists are worse than what is popular', 'als lacks items']);
const FAILED = run('failed', ['its process ended with SIGKILL']);

describe('the alarm of a training', () => {
  it('is on once a release was refused, with the reasons', () => {
    expect(trainingAlarms({ runs: [REFUSED, run('promoted')] })).toEqual([
      'The last trained release was refused: its lists are worse than what is popular; als lacks items',
    ]);
  });

  it('is on once a training failed, and stays on while later ones are cancelled', () => {
    expect(trainingAlarms({ runs: [run('cancelled'), FAILED, run('promoted')] })).toEqual([
      'The last training failed: its process ended with SIGKILL',
    ]);
  });

  it('is off before the first training, while they pass, and again after one that did', () => {
    expect(trainingAlarms({ runs: [] })).toEqual([]);
    expect(trainingAlarms({ runs: [run('promoted')] })).toEqual([]);
    expect(trainingAlarms({ runs: [run('promoted'), REFUSED, FAILED] })).toEqual([]);
    expect(trainingAlarms({ runs: [run('cancelled'), run('promoted')] })).toEqual([]);
  });
});
