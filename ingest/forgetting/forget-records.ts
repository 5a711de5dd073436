/**
 * What the control log says about forgetting: one record for each request, which its receipt replaces
 * when it is done, and where several processes share the log, at each step. Whom it is about stands in it under the very key that the request destroys: so a
 * request that was interrupted can be taken up again, and one that is done names nobody.
 */
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { EpochMs, Offset } from '../../schemas/ids.ts';
import { CONTROL_LOG } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices, SLICE_LIMITS } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';

const FORGET = 'forget';
const { topic: TOPIC, partition: PARTITION } = CONTROL_LOG;

export interface ForgetRequest {
  /** Of the key: 16 hexadecimal digits. */
  readonly address: string;
  /** The subject, sealed under that key; in base64. */
  readonly person: string;
  /** Where the person's partition of the interactions ended: what follows may hold the request's event. */
  readonly from: number;
  readonly receipt: ForgetReceipt;
}

export const appendForgetRequest = async (
  log: EventLog,
  request: ForgetRequest,
  at: EpochMs,
): Promise<void> => {
  const { requestId } = request.receipt;
  const value = encodeRecord('Control', {
    kind: FORGET,
    subject: requestId,
    at,
    body: JSON.stringify(request),
  });
  const key = Buffer.from(`${FORGET}:${requestId}`);
  await log.append(TOPIC, PARTITION, [{ key, value, timestamp: at }]);
};

/** The newest of each request, and where to follow from. */
export const readForgetRequests = async (
  log: EventLog,
): Promise<{ readonly requests: readonly ForgetRequest[]; readonly next: Offset }> => {
  const found = new Map<string, ForgetRequest>();
  let next = 0 as Offset;
  for await (const slice of partitionSlices(log, TOPIC, PARTITION)) {
    for (const record of slice) {
      next = (record.offset + 1) as Offset;
      const request = requestIn(record);
      if (request !== undefined) found.set(request.receipt.requestId, request);
    }
  }
  return { requests: [...found.values()], next };
};

/** Whatever is put on record from there on, until the signal is aborted. */
export async function* followForgetRequests(
  log: EventLog,
  from: Offset,
  signal: AbortSignal,
): AsyncGenerator<ForgetRequest> {
  for await (const slice of log.tail(TOPIC, PARTITION, from, { ...SLICE_LIMITS, signal })) {
    for (const record of slice) {
      const request = requestIn(record);
      if (request !== undefined) yield request;
    }
  }
}

const requestIn = ({ value }: LogRecord): ForgetRequest | undefined => {
  const named = readableRecord(value);
  return named?.name === 'Control' && named.record.kind === FORGET
    ? (JSON.parse(named.record.body) as ForgetRequest)
    : undefined;
};
