/**
 * What a record costs to write and to read, beside avsc without any guard on the same bytes:
 * `node schemas/avro/record-codec.bench.ts`.
 */
import avro from 'avsc';
import { decodeRecord, encodeRecord, HEADER_BYTES } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';
import { REGISTRY } from './registry.ts';

const ROUNDS = 7;

const microsecondsOf = (repetitions: number, work: () => void): number => {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    for (let at = 0; at < repetitions; at++) work();
    return Number(process.hrtime.bigint() - start) / 1000 / repetitions;
  });
  return rounds.sort((left, right) => left - right)[ROUNDS >> 1]!;
};

for (const name of ['interaction-rating', 'item-signals', 'catalogue-item', 'control']) {
  const { name: recordName, record } = RECORD_SAMPLES[name]!;
  const bytes = Buffer.from(encodeRecord(recordName, record));
  const body = bytes.subarray(HEADER_BYTES);
  const { schema } = REGISTRY.findLast((entry) => entry.record === recordName)!;
  const plain = avro.Type.forSchema(schema as never, { omitRecordMethods: true });
  const costs = {
    encode: microsecondsOf(100_000, () => encodeRecord(recordName, record)),
    plainEncode: microsecondsOf(100_000, () => plain.toBuffer(record)),
    decode: microsecondsOf(100_000, () => decodeRecord(bytes)),
    plainDecode: microsecondsOf(100_000, () => plain.fromBuffer(body)),
  };
  const shown = Object.entries(costs).map(([what, cost]) => `${what} ${cost.toFixed(2)} µs`);
  process.stdout.write(`${name}: ${bytes.length} bytes, ${shown.join(', ')}\n`);
}
