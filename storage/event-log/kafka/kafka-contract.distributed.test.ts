import { inject } from 'vitest';
import { eventLogContract } from '../event-log.contract.ts';
import { deleteNamespace, newNamespace, openTestLog } from './kafka-log.fixture.ts';

const brokers = inject('kafka').addresses.plain;

eventLogContract({
  name: 'KafkaEventLog',
  create: async () => {
    const namespace = newNamespace();
    let log = await openTestLog({ brokers, namespace });
    const open = async () => {
      log = await openTestLog({ brokers, namespace });
      return log;
    };
    return {
      log,
      reopen: async () => {
        await log.close();
        return open();
      },
      recreate: async () => {
        await log.close();
        await deleteNamespace(brokers, namespace);
        return open();
      },
      remove: async () => {
        await log.close();
        await deleteNamespace(brokers, namespace);
      },
    };
  },
  lacks: {
    'expire by bytes on demand': 'brokers expire by bytes themselves, whole files at a time',
    'compact on demand': 'brokers compact themselves, when enough has changed',
    'exact sizes': 'what expired counts until the broker removes its file',
  },
});
