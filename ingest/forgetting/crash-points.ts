/** The step boundaries of forgetting at which the fault harness may kill the process, in their order. */
export const FORGET_CRASH_POINTS = [
  'forget.on-record',
  'forget.logged',
  'forget.taken-back',
  'forget.deleted',
  'forget.key-destroyed',
  'forget.receipt-written',
] as const;
