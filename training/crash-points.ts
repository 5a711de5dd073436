/** Step boundaries of a training, in the order in which a run passes them. */
export const TRAINING_CRASH_POINTS = [
  'training.read',
  'training.tried',
  'training.fitted',
  'training.published',
] as const;
