/**
 * What must hold within a record beyond the types of its fields. Checked when a record is written
 * and when it is read, so that no consumer meets a record that contradicts itself.
 */
import type { RecordName, RecordTypes } from '../records.ts';
import { badRecord } from './bounded-tap.ts';

interface Subject {
  readonly userId: string | null;
  readonly sessionId: string | null;
}

const checkSubject = ({ userId, sessionId }: Subject): void => {
  if ((userId === null) === (sessionId === null)) {
    throw badRecord(userId === null ? 'neither userId nor sessionId' : 'both userId and sessionId');
  }
};

const checkIndex = (index: number, length: number, what: string): void => {
  if (index < 0 || index >= length) throw badRecord(`${what} ${index} of ${length} itemIds`);
};

const checkEnvelope = (envelope: RecordTypes['ItemSignals']): void => {
  const { firstOffset, lastOffset, itemIds, signals } = envelope;
  for (const { sourceOffset, item, pairs } of signals) {
    if (sourceOffset < firstOffset || sourceOffset > lastOffset) {
      throw badRecord(`a sourceOffset ${sourceOffset} outside ${firstOffset} to ${lastOffset}`);
    }
    checkIndex(item, itemIds.length, 'item');
    for (const { neighbour } of pairs) checkIndex(neighbour, itemIds.length, 'neighbour');
  }
};

export const RECORD_RULES: { readonly [N in RecordName]?: (record: RecordTypes[N]) => void } = {
  Interaction: checkSubject,
  Impression: checkSubject,
  ItemSignals: checkEnvelope,
};
