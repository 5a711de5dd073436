/**
 * How much the heap may grow before all of it is looked through again. Left to itself V8 takes little more
 * than a tenth of what is in use once it has looked a few times, since collecting costs a process as a whole
 * but a few percent: for a thread that makes lists that is a full collection a second, in which requests
 * wait for 30 to 50 ms. Twice the memory makes it one in five seconds.
 */
import { setFlagsFromString } from 'node:v8';

const GROWTH_PERCENT = 100;

/** For all threads of the process. */
export const letHeapGrow = (): void => {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
};
