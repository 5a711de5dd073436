/** Of several processes that could do something, one does: who owns the only unit of a group. */
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';

export interface Election {
  isElected(): boolean;
  /** Whether it is known to be another; neither is known while a group finds itself. */
  isAnother(): boolean;
  stop(): Promise<void>;
}

export const joinElection = (
  ownership: PartitionOwnership,
  onFatal: (error: Error) => void,
): Election => {
  const stopping = new AbortController();
  let standing: 'unknown' | 'elected' | 'another' = 'unknown';
  const office = (units: readonly string[], signal: AbortSignal): Promise<void> =>
    new Promise((leave) => {
      standing = units.length > 0 ? 'elected' : 'another';
      const end = (): void => {
        standing = 'unknown';
        leave();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  const running = ownership.run(office, stopping.signal).catch((error: Error) => {
    if (!stopping.signal.aborted) onFatal(error);
  });
  return {
    isElected: () => standing === 'elected',
    isAnother: () => standing === 'another',
    async stop() {
      stopping.abort();
      await running;
    },
  };
};
