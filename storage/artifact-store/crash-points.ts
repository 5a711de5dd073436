/** Step boundaries of a publication and of a pruning, in the order in which they are passed. */
export const ARTIFACT_CRASH_POINTS = [
  'artifact.file-written',
  'artifact.staged',
  'artifact.renamed',
  'artifact.out-of-sight',
] as const;
