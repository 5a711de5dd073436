/** Step boundaries of a training, in the order in which a run passes them. */
export const TRAINING_CRASH_POINTS = [
  'training.read',
  'training.tried',
  'training.fitted',
  'training.published',
] as const;

/** Those of the program that puts a release to use. */
export const PROMOTION_CRASH_POINTS = [
  'promotion.before-append',
  'promotion.after-append',
] as const;
