/**
 * Whether the stream is so far behind that lists are not up to date. A number of records says little: at
 * 5,000 events a second two thousand of them are on their way at any time, and are four tenths of a
 * second. So it is behind when many records wait *and* the newest ones taken in are older than a moment,
 * or when anything at all has waited for long.
 *
 * How old the newest taken record is, a partition's clock tells (nothing is read for it). It stands
 * still while an import is taken in, and with nobody acting; so where few records wait only that counts
 * which was seen waiting before: a record that stood in the log at an earlier look and still does.
 */
import type { Clock } from '../schemas/environment.ts';
import type { Offset, StatePartition } from '../schemas/ids.ts';
import type { PartitionStatus, StreamStatus } from '../stream/stream-status.ts';

/** So many records may be on their way, however old. */
const RECORDS_ON_THEIR_WAY = 2_000;
/** With more of them, lists may be this old. */
const BEHIND_MS_READY = 2_000;
/** Of a few records, none may be seen waiting for so long. */
const WAITING_MS_READY = 10_000;

export interface StreamDelay {
  /** Why lists are not up to date; undefined while they are. */
  readonly problem: string | undefined;
  /** Share of the catching up that is done; null while there is none to do. */
  readonly progress: number | null;
}

export interface StreamDelayWatch {
  /** Takes note of how the stream stands now, and says what that means. */
  look(stream: StreamStatus): StreamDelay;
}

/** A record of a partition that was waiting when it was looked at. */
interface Waiting {
  readonly offset: Offset;
  readonly sinceMs: number;
}

export const watchStreamDelay = (clock: Clock): StreamDelayWatch => {
  const waiting = new Map<StatePartition, Waiting>();
  /** The most records behind since lists were last up to date: what progress is measured against. */
  let mostBehind = 0;

  const waitedMs = ({ partition, lag, end, coveredOffset }: PartitionStatus): number => {
    const now = clock.monotonicMs();
    const known = waiting.get(partition);
    if (lag > 0 && known !== undefined && known.offset > coveredOffset) return now - known.sinceMs;
    if (lag > 0) waiting.set(partition, { offset: (end - 1) as Offset, sinceMs: now });
    else waiting.delete(partition);
    return 0;
  };

  /** Above 0 for one that waits; a partition without a clock is old if much of it waits. */
  const ageMs = ({ lag, clock: newest }: PartitionStatus): number => {
    if (lag === 0) return 0;
    if (newest === null || newest === 0) return lag > RECORDS_ON_THEIR_WAY ? Infinity : 0;
    return clock.now() - newest;
  };

  const isBehind = ({ partitions, lag }: StreamStatus): boolean => {
    const waited = mostOf(partitions.map(waitedMs));
    if (waited > WAITING_MS_READY) return true;
    if (lag <= RECORDS_ON_THEIR_WAY) return false;
    return Math.max(waited, mostOf(partitions.map(ageMs))) > BEHIND_MS_READY;
  };

  return {
    look(stream) {
      if (!isBehind(stream)) {
        mostBehind = 0;
        return { problem: undefined, progress: null };
      }
      mostBehind = Math.max(mostBehind, stream.lag);
      return {
        problem: `catching up: ${stream.lag} of ${mostBehind} records behind`,
        progress: 1 - stream.lag / mostBehind,
      };
    },
  };
};

const mostOf = (values: readonly number[]): number => Math.max(0, ...values);
