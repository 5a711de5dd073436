/** Of several processes that could do something, one does: who owns the only unit of a group. */
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';

export interface Election {
  isElected(): boolean;
  stop(): Promise<void>;
}

export const joinElection = (
  ownership: PartitionOwnership,
  onFatal: (error: Error) => void,
): Election => {
  const stopping = new AbortController();
  let isElected = false;
  const office = (units: readonly string[], signal: AbortSignal): Promise<void> =>
    new Promise((leave) => {
      isElected = units.length > 0 && !signal.aborted;
      const end = (): void => {
        isElected = false;
        leave();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  const running = ownership.run(office, stopping.signal).catch((error: Error) => {
    if (!stopping.signal.aborted) onFatal(error);
  });
  return {
    isElected: () => isElected,
    async stop() {
      stopping.abort();
      await running;
    },
  };
};
