/**
 * Reading the control log for what names the release in use: the one reader for whoever trains, serves
 * or keeps vectors. What cannot be read is nobody's promotion; the stream sets it aside.
 */
import { decodeRecord } from './avro/record-codec.ts';
import type { EpochMs } from './ids.ts';
import type { ControlRecord } from './records.ts';
import { PROMOTION, type Promotion } from './release.ts';

export interface StoredPromotion extends Promotion {
  readonly at: EpochMs;
}

/** undefined for what is no control record. */
export const controlIn = (value: Uint8Array | null): ControlRecord | undefined => {
  if (value === null) return undefined;
  try {
    const { name, record } = decodeRecord(value);
    return name === 'Control' ? record : undefined;
  } catch {
    return undefined;
  }
};

/** undefined for every other record. */
export const promotionIn = (value: Uint8Array | null): StoredPromotion | undefined => {
  const record = controlIn(value);
  return record?.kind === PROMOTION ? promotionOf(record) : undefined;
};

const promotionOf = ({ body, at }: ControlRecord): StoredPromotion | undefined => {
  try {
    const promotion = JSON.parse(body) as Promotion;
    const { version } = promotion;
    return version === null || typeof version === 'string' ? { ...promotion, at } : undefined;
  } catch {
    return undefined;
  }
};
