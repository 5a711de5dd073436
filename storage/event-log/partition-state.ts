/**
 * What the embedded log knows about a partition apart from its records (L9): written in the same
 * transaction as they are, so that the next offset survives even when every record has expired.
 */
import { crc32c } from '../../schemas/checksum.ts';
import { type EpochMs, epochMs, type Offset, offset } from '../../schemas/ids.ts';

export interface PartitionState {
  /** The oldest offset that can be read. */
  readonly low: Offset;
  /** The offset that the next record gets. It never goes back. */
  readonly next: Offset;
  readonly liveBytes: number;
  readonly liveRecords: number;
  /** Below this a compacted partition holds one record per key. */
  readonly compactedTo: Offset;
  /** Timestamp of the oldest tombstone below compactedTo; Infinity when there is none. */
  readonly oldestTombstone: EpochMs;
}

export const EMPTY_PARTITION: PartitionState = {
  low: offset(0),
  next: offset(0),
  liveBytes: 0,
  liveRecords: 0,
  compactedTo: offset(0),
  oldestTombstone: epochMs(Number.POSITIVE_INFINITY),
};

const ENCODED_BYTES = 4 + 6 * 8;

export const encodePartitionState = (state: PartitionState): Buffer => {
  const bytes = Buffer.allocUnsafe(ENCODED_BYTES);
  bytes.writeDoubleLE(state.low, 4);
  bytes.writeDoubleLE(state.next, 12);
  bytes.writeDoubleLE(state.liveBytes, 20);
  bytes.writeDoubleLE(state.liveRecords, 28);
  bytes.writeDoubleLE(state.compactedTo, 36);
  bytes.writeDoubleLE(state.oldestTombstone, 44);
  bytes.writeUInt32LE(crc32c(bytes, 4), 0);
  return bytes;
};

/** undefined if the checksum does not fit. */
export const decodePartitionState = (bytes: Buffer): PartitionState | undefined => {
  if (bytes.length !== ENCODED_BYTES || bytes.readUInt32LE(0) !== crc32c(bytes, 4)) {
    return undefined;
  }
  return {
    low: offset(bytes.readDoubleLE(4)),
    next: offset(bytes.readDoubleLE(12)),
    liveBytes: bytes.readDoubleLE(20),
    liveRecords: bytes.readDoubleLE(28),
    compactedTo: offset(bytes.readDoubleLE(36)),
    oldestTombstone: epochMs(bytes.readDoubleLE(44)),
  };
};
