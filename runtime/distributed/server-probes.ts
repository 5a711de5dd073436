/**
 * Whether the servers answer that a site stands on: a small question to each whenever somebody wants to
 * know. Nothing here acts on it; each part of the program gets over a server's absence by itself.
 */
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { partitionIndex, statePartition } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import { LastKnown } from '../../stream/last-known.ts';
import type { ServerStatus } from '../profile.ts';

export interface ProbedServers {
  readonly eventLog: Pick<EventLog, 'watermarks'>;
  readonly stateStore: Pick<StateStore, 'position'>;
  readonly warehouse: Pick<Warehouse, 'ping'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

const FIRST = partitionIndex(0);

export const probeServers = ({
  eventLog,
  stateStore,
  warehouse,
  clock,
}: ProbedServers): (() => Promise<readonly ServerStatus[]>) => {
  const { name } = TOPICS.control;
  const probes = [
    ['log', new LastKnown<unknown>(clock, () => eventLog.watermarks(name, FIRST))],
    [
      'state',
      new LastKnown<unknown>(clock, () => stateStore.position(statePartition(name, FIRST))),
    ],
    ['warehouse', new LastKnown<unknown>(clock, () => pinged(warehouse))],
  ] as const;
  return () =>
    Promise.all(
      probes.map(async ([server, probe]) => ({ server, problem: (await probe.tell()).problem })),
    );
};

const pinged = async (warehouse: ProbedServers['warehouse']): Promise<void> => {
  if (await warehouse.ping()) return;
  throw new FreshetError('warehouse_unavailable', { problem: 'no answer to a ping' });
};
