import { describe, expect, it } from 'vitest';
import { goldenText, readGoldenRecords } from './golden-record.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';
import { REGISTRY } from './registry.ts';

const golden = readGoldenRecords();
const newestOf = (name: string): number =>
  Math.max(...REGISTRY.filter(({ record }) => record === name).map(({ version }) => version));

describe('[25] golden bytes', () => {
  for (const { sample, version, bytes, fields } of golden) {
    it(`are read as what they held when they were written: ${sample}, version ${version}`, () => {
      const { record } = decodeRecord(bytes);
      const read = new Map(
        Object.entries(record).map(([name, value]) => [name, goldenText(value)]),
      );
      for (const [name, text] of fields) expect([name, read.get(name)]).toEqual([name, text]);
    });
  }

  for (const [sample, { name, record }] of Object.entries(RECORD_SAMPLES)) {
    it(`are what the newest version still writes: ${sample}`, () => {
      const newest = golden.find(
        (candidate) => candidate.sample === sample && candidate.version === newestOf(name),
      );
      expect(newest?.bytes.toString('hex')).toBe(
        Buffer.from(encodeRecord(name, record as never)).toString('hex'),
      );
    });
  }

  it('are there for every version of every record', () => {
    const missing = REGISTRY.filter(
      ({ id }) => !golden.some(({ bytes }) => bytes.readInt32BE(1) === id),
    ).map(({ file }) => `${file}: run node test/registry/add-golden-bytes.ts`);
    expect(missing).toEqual([]);
  });
});
