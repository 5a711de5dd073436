/** What a person has to be told of trainings: the last one did not end well. */
import type { DeskStatus } from './training-desk.ts';

/** On from the run that was refused or failed until the next one that passes; a cancelled one says nothing. */
export const trainingAlarms = ({ runs }: Pick<DeskStatus, 'runs'>): readonly string[] => {
  const run = runs.find(({ outcome }) => outcome !== 'cancelled');
  if (!run || run.outcome === 'promoted') return [];
  const what =
    run.outcome === 'refused' ? 'The last trained release was refused' : 'The last training failed';
  return [`${what}: ${run.reasons.join('; ')}`];
};
