/**
 * How far records have come on their way from a request into lists, told at each hop to whoever listens
 * to the diagnostics channel `freshet.journey` in its thread. Only a benchmark does; without a listener a
 * hop costs a look at a flag.
 *
 * A hop says "everything of this partition up to that offset": so the journey of one event can be read off
 * afterwards, in whatever thread each hop was, and no event has to carry a mark.
 */
import { channel } from 'node:diagnostics_channel';

/** In the order in which an event passes them. */
export const HOPS = [
  'received',
  'handed-to-log',
  'durable',
  'read',
  'flushing',
  'signalled',
  'applied',
  'heard',
  'told',
] as const;
export type Hop = (typeof HOPS)[number];

export interface HopPassed {
  readonly hop: Hop;
  readonly topic: string;
  readonly partition: number;
  /** Everything up to here has passed. */
  readonly offset: number;
  /** By the thread's monotonic clock; now when left out. */
  readonly atMs?: number;
}

const journey = channel('freshet.journey');

/** Whether anybody listens: what a hop says may cost something to find out. */
export const isJourneyFollowed = (): boolean => journey.hasSubscribers;

export const passHop = (passed: HopPassed): void => {
  if (journey.hasSubscribers) journey.publish(passed);
};
