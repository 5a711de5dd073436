/** Records of one partition from an offset on, waiting for the first of them if there is none yet. */
import { type Offset, offset } from '../../../schemas/ids.ts';
import type { ProtocolCall } from './protocol-call.ts';
import type { AbortedTransaction } from './record-batch.ts';
import type { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly from: Offset;
  /** The first batch comes whole even if it is larger. */
  readonly bytesMax: number;
  readonly waitMsMax: number;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly bytes: Buffer;
  readonly aborted: readonly AbortedTransaction[];
}

const FETCH_API = { key: 1, version: 11, name: 'Fetch' };
const CONSUMER = -1;
const COMMITTED_ONLY = 1;
const NO_EPOCH = -1;
const NO_OFFSET_KNOWN = -1;

export const fetchCall = (request: FetchRequest): ProtocolCall<FetchAnswer> => ({
  api: FETCH_API,
  body: new WireWriter()
    .int32(CONSUMER)
    .int32(request.waitMsMax)
    .int32(1)
    .int32(request.bytesMax)
    .int8(COMMITTED_ONLY)
    // No fetch session: each request stands for itself.
    .int32(0)
    .int32(NO_EPOCH)
    .int32(1)
    .string(request.topic)
    .int32(1)
    .int32(request.partition)
    .int32(NO_EPOCH)
    .int64(request.from)
    .int64(NO_OFFSET_KNOWN)
    .int32(request.bytesMax)
    .int32(0)
    .string(''),
  read: readAnswer,
});

const readAnswer = (
  reader: WireReader,
): { readonly throttledMs: number; readonly answer: FetchAnswer } => {
  const throttledMs = reader.int32();
  const wholeErrorCode = reader.int16();
  reader.int32();
  const answers = reader.array(() => {
    reader.string();
    return reader.array(() => readPartition(reader));
  });
  const answer = answers[0]?.[0] ?? { errorCode: 0, bytes: Buffer.alloc(0), aborted: [] };
  return {
    throttledMs,
    answer: wholeErrorCode === 0 ? answer : { ...answer, errorCode: wholeErrorCode },
  };
};

const readPartition = (reader: WireReader): FetchAnswer => {
  reader.int32();
  const errorCode = reader.int16();
  // High watermark, last stable offset and first offset; -1 each beside an error.
  reader.skip(3 * 8);
  const aborted = reader.array(() => ({
    producerId: reader.bigint64(),
    firstOffset: offset(reader.int64()),
  }));
  reader.int32();
  const length = reader.int32();
  return { errorCode, aborted, bytes: length > 0 ? reader.raw(length) : Buffer.alloc(0) };
};
