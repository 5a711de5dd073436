/** What a record costs to write and to read, in one line each: `node schemas/avro/record-codec.bench.ts`. */
import { decodeRecord, encodeRecord } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';

const ROUNDS = 7;

const microsecondsOf = (repetitions: number, work: () => void): number => {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    for (let at = 0; at < repetitions; at++) work();
    return Number(process.hrtime.bigint() - start) / 1000 / repetitions;
  });
  return rounds.sort((left, right) => left - right)[ROUNDS >> 1]!;
};

for (const name of [
  'interaction-rating',
  'interaction-sequenced',
  'item-signals',
  'catalogue-item',
]) {
  const sample = RECORD_SAMPLES[name]!;
  const bytes = encodeRecord(sample.name, sample.record);
  const encode = microsecondsOf(100_000, () => encodeRecord(sample.name, sample.record));
  const decode = microsecondsOf(100_000, () => decodeRecord(bytes));
  process.stdout.write(
    `${name}: ${bytes.length} bytes, encode ${encode.toFixed(2)} µs, decode ${decode.toFixed(2)} µs\n`,
  );
}
