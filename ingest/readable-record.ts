/**
 * For whoever reads the log again at the edge: what cannot be read is passed over here, since the
 * stream sets it aside and says so. One bad record must not keep an instance from starting.
 */
import { decodeRecord } from '../schemas/avro/record-codec.ts';
import { isFreshetError } from '../schemas/errors.ts';
import type { NamedRecord } from '../schemas/records.ts';

export const readableRecord = (value: Uint8Array | null): NamedRecord | undefined => {
  if (value === null) return undefined;
  try {
    return decodeRecord(value);
  } catch (error) {
    if (isFreshetError(error, 'bad_record') || isFreshetError(error, 'unknown_schema')) {
      return undefined;
    }
    throw error;
  }
};
