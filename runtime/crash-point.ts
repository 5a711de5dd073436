/**
 * Crash points: `FRESHET_CRASH_POINT=between-append-and-apply@3` kills the process, without a last
 * word, when it passes that point for the third time. The fault harness sets it; nobody else does.
 */
import type { CrashPoint } from '../schemas/environment.ts';

export const createCrashPoint = (order: string | undefined): CrashPoint => {
  if (order === undefined || order === '') return () => {};
  const [name, nth = '1'] = order.split('@');
  let passesLeft = Number(nth);
  return (passed) => {
    if (passed !== name) return;
    passesLeft -= 1;
    if (passesLeft === 0) process.kill(process.pid, 'SIGKILL');
  };
};
