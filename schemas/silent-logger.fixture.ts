/** A logger for tests and measurements that are not about what is logged. */
import type { Logger } from './environment.ts';

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
