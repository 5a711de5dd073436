/** What a failure of Redis means for the state, in the words of the error table. */
import { FreshetError } from '../../schemas/errors.ts';

/** No room, and nothing of the call was done: the first write of a script is refused, no later one. */
const FULL = /\bOOM\b/;
const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM)\b/;
/** The server says that what was asked makes no sense on what is stored. */
const WRONG = /^(ERR|WRONGTYPE)\b/;
/** Errors of the same look that say how the server is, not what it stores. */
const PASSING = /\b(READONLY|MISCONF|NOREPLICAS|MASTERDOWN|max number of clients)\b/;

export const stateFailure = (cause: unknown, partition: string): Error => {
  if (cause instanceof FreshetError) return cause;
  const problem = cause instanceof Error ? cause.message : String(cause);
  // The client's errors carry the command with all that was written, and the password among it.
  const options = { cause: new Error(problem) };
  if (FULL.test(problem)) return new FreshetError('state_full', { problem }, options);
  if (REFUSED.test(problem)) {
    const refusal = `Expected Redis to admit the user of the state store, got: ${problem}`;
    return new FreshetError('bad_settings', { problem: refusal }, options);
  }
  if (WRONG.test(problem) && !PASSING.test(problem)) {
    return new FreshetError('state_corrupt', { partition, problem }, options);
  }
  return new FreshetError('state_unavailable', { problem }, options);
};
