import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import type { NamedRecord, RecordName, RecordTypes } from '../records.ts';
import { createRecordCodec, decodeRecord, decodeRecordAs, encodeRecord } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';
import { REGISTRY, type RegisteredSchema } from './registry.ts';

const encodeSample = ({ name, record }: NamedRecord): Buffer =>
  Buffer.from(encodeRecord(name, record as never));
const interaction = RECORD_SAMPLES['interaction-rating']!.record as RecordTypes['Interaction'];
const signals = RECORD_SAMPLES['item-signals']!.record as RecordTypes['ItemSignals'];

/** The problem that decoding names, or what went wrong instead. */
const problemOf = (work: () => unknown): string => {
  try {
    work();
    return 'nothing';
  } catch (error) {
    return isFreshetError(error, 'bad_record') ? String(error.details.problem) : `raw: ${error}`;
  }
};

const newestSchema = (name: RecordName): RegisteredSchema =>
  REGISTRY.filter((entry) => entry.record === name).sort((a, b) => b.version - a.version)[0]!;

describe('a record', () => {
  for (const [file, sample] of Object.entries(RECORD_SAMPLES)) {
    it(`comes back as it was written: ${file}`, () => {
      const decoded = decodeRecord(encodeSample(sample));
      expect(decoded.name).toBe(sample.name);
      expect(decoded.record).toEqual(sample.record);
      expect(decodeRecordAs(sample.name, encodeSample(sample))).toEqual(decoded.record);
    });

    // avsc itself loses a key `__proto__` and refuses 2^53 − 1.
    if (file === 'impression' || file === 'interaction-sequenced') continue;
    it(`is Avro that plain avsc reads and writes: ${file}`, () => {
      const { id, schema } = newestSchema(sample.name);
      const plain = avro.Type.forSchema(schema as never);
      const bytes = encodeSample(sample);
      expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, 0, id]);
      const body = bytes.subarray(5);
      expect(plain.toBuffer(plain.fromBuffer(body)).equals(body)).toBe(true);
    });
  }

  it('is read from any view of its bytes and shares nothing with them', () => {
    const sample = RECORD_SAMPLES['dead-letter-keyless']!;
    const bytes = encodeSample(sample);
    const padded = new Uint8Array(bytes.length + 16).fill(255);
    padded.set(bytes, 7);
    const decoded = decodeRecordAs('DeadLetter', padded.subarray(7, 7 + bytes.length));
    padded.fill(0);
    expect([...decoded.value]).toEqual([0xde, 0xad, 0xbe, 0xef]);
  });

  it('keeps keys such as __proto__ as keys', () => {
    const { models } = decodeRecordAs('Impression', encodeSample(RECORD_SAMPLES.impression!));
    expect(Object.getPrototypeOf(models)).toBe(null);
    expect(Object.entries(models)).toEqual([
      ['als', '20260101T030000Z-3f2a'],
      ['__proto__', 'a plain key'],
    ]);
  });

  it('holds integers up to 2^53 − 1 and down to its negative exactly', () => {
    for (const sequence of [
      2 ** 53 - 1,
      2 ** 52 + 1,
      2 ** 31,
      2 ** 28,
      0,
      -1,
      -(2 ** 27),
      -(2 ** 28) - 1,
      -(2 ** 52) - 1,
      1 - 2 ** 53,
    ]) {
      const bytes = encodeRecord('Interaction', { ...interaction, sequence });
      expect(decodeRecordAs('Interaction', bytes).sequence).toBe(sequence);
    }
  });

  it('holds long texts of any script', () => {
    for (const backfill of ['', 'ß', 'a'.repeat(47), 'a'.repeat(5000), '🎬'.repeat(3000), '\0']) {
      const bytes = encodeRecord('Interaction', { ...interaction, backfill });
      expect(decodeRecordAs('Interaction', bytes).backfill).toBe(backfill);
    }
  });
});

describe('what cannot be written', () => {
  const refused = (change: Partial<RecordTypes['Interaction']>): string =>
    problemOf(() => encodeRecord('Interaction', { ...interaction, ...change }));

  it('is refused with its place', () => {
    expect(refused({ value: Number.NaN })).toBe('Interaction with NaN for a number at value');
    expect(refused({ value: Number.NEGATIVE_INFINITY })).toContain('-Infinity for a number');
    expect(refused({ sequence: 2 ** 53 })).toContain('for an integer below 2^53 at sequence');
    expect(refused({ sequence: 1.5 })).toContain('1.5 for an integer');
    expect(refused({ occurredAt: Number.NaN as never })).toContain('NaN for a time at occurredAt');
    expect(refused({ occurredAt: 9e15 as never })).toContain('for a time at occurredAt');
    expect(refused({ context: { ...interaction.context!, rank: 2 ** 31 } })).toContain(
      'for a 32-bit integer at context.rank',
    );
    expect(refused({ source: 7 as never })).toContain('7 for a text at source');
    expect(refused({ source: undefined as never })).toContain('undefined for a text at source');
    expect(refused({ itemId: 'half \ud83c' as never })).toContain('half a surrogate pair');
    expect(refused({ itemId: `${'x'.repeat(99)}\udfac` as never })).toContain('half a surrogate');
    expect(problemOf(() => encodeRecord('Interaction', null as never))).toContain('Interaction');
  });

  it('is refused when it contradicts itself', () => {
    expect(refused({ userId: null })).toContain('neither userId nor sessionId');
    expect(refused({ sessionId: 's' as never })).toContain('both userId and sessionId');
    const [first, ...rest] = signals.signals;
    const withFirst = (change: object): string =>
      problemOf(() =>
        encodeRecord('ItemSignals', { ...signals, signals: [{ ...first!, ...change }, ...rest] }),
      );
    expect(withFirst({ item: 6 })).toContain('item 6 of 6 itemIds');
    expect(withFirst({ item: -1 })).toContain('item -1 of 6 itemIds');
    expect(withFirst({ pairs: [{ ...first!.pairs[0]!, neighbour: 9 }] })).toContain('neighbour 9');
    expect(withFirst({ pairs: [{ ...first!.pairs[0]!, sign: 0 }] })).toContain('0 for a sign');
    expect(withFirst({ sourceOffset: signals.lastOffset + 1 })).toContain('a sourceOffset');
  });

  it('leaves the codec fit for the next record', () => {
    refused({ value: Number.NaN });
    expect(decodeRecord(encodeRecord('Interaction', interaction)).record).toEqual(interaction);
  });
});

describe('[24] poison', () => {
  const poison = (body: string | Buffer, id = 1): string => {
    const bytes = typeof body === 'string' ? Buffer.from(body, 'hex') : body;
    return problemOf(() => decodeRecord(Buffer.concat([Buffer.from([0, 0, 0, 0, id]), bytes])));
  };
  /** An interaction up to its userId. */
  const beforeUser = '02730265';

  it('without a header is refused', () => {
    expect(problemOf(() => decodeRecord(new Uint8Array(0)))).toContain('0 bytes, fewer than');
    expect(problemOf(() => decodeRecord(Uint8Array.of(0)))).toContain('1 bytes, fewer than');
    expect(problemOf(() => decodeRecord(Uint8Array.of(1, 0, 0, 0, 1)))).toContain(
      'a first byte of 1',
    );
  });

  it('of an unknown schema is refused with the id', () => {
    for (const id of [0, 255, 2 ** 31 - 1, -1]) {
      const bytes = Buffer.alloc(9);
      bytes.writeInt32BE(id, 1);
      expect(() => decodeRecord(bytes)).toThrow(`Expected a known schema id, got ${id}.`);
    }
  });

  it('that is cut short anywhere is refused', () => {
    for (const sample of Object.values(RECORD_SAMPLES)) {
      const bytes = encodeSample(sample);
      for (let length = 5; length < bytes.length; length++) {
        expect(problemOf(() => decodeRecord(bytes.subarray(0, length)))).toContain(
          `${sample.name} (version 1) with`,
        );
      }
    }
  });

  it('with bytes after its end is refused', () => {
    const bytes = Buffer.concat([encodeSample(RECORD_SAMPLES.forget!), Buffer.from([0, 0])]);
    expect(problemOf(() => decodeRecord(bytes))).toBe(
      'Forget (version 1) with 2 bytes after its end',
    );
  });

  it('that claims 10^8 items in four bytes is refused at the count', () => {
    const count = Buffer.from('80c2d72f', 'hex');
    const envelope = Buffer.concat([Buffer.from('000000000000', 'hex'), Buffer.from([0]), count]);
    expect(poison(envelope, 5)).toContain('a count of 50000000 where 0 bytes are left');
    const negative = Buffer.concat([
      Buffer.from('000000000000', 'hex'),
      Buffer.from([0]),
      Buffer.from('ffc1d72f02', 'hex'),
    ]);
    expect(poison(negative, 5)).toContain('a count of 50000000 where 0 bytes are left');
  });

  it('with numbers that are none is refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const bytes = encodeSample(RECORD_SAMPLES['interaction-rating']!);
      const at = bytes.indexOf(doubleBytes(4.5));
      doubleBytes(value).copy(bytes, at);
      expect(problemOf(() => decodeRecord(bytes))).toContain(`${value} for a number`);
    }
  });

  it('with integers beyond 2^53 or without end is refused', () => {
    const bytes = encodeSample(RECORD_SAMPLES.forget!);
    const head = bytes.subarray(5, bytes.length - 6);
    const withTime = (tail: string): string =>
      poison(Buffer.concat([head, Buffer.from(tail, 'hex')]), 7);
    expect(withTime('8280808080808020')).toContain('a number beyond 2^53'); // 2^53 + 1
    expect(withTime('ffffffffffffffffff01')).toContain('a number beyond 2^53');
    expect(withTime('ff'.repeat(200))).toContain('a number of more than 10 bytes');
  });

  it('with text that is not UTF-8 is refused', () => {
    for (const broken of ['ff', 'c0af', 'eda080', 'f4908080', 'e282']) {
      const text = Buffer.from(broken, 'hex');
      const bytes = Buffer.concat([
        Buffer.from([text.length * 2]),
        text,
        Buffer.from('027200', 'hex'),
      ]);
      expect(poison(bytes, 7)).toContain('a text that is not UTF-8 at byte 6');
    }
  });

  it('with a length below zero or past the end is refused', () => {
    expect(poison('01', 7)).toContain('a text of -1 bytes where 0 are left');
    expect(poison('feffffff0f', 7)).toContain('a text of 2147483647 bytes where 0 are left');
  });

  it('with a branch, a boolean or a sign that does not exist is refused', () => {
    expect(poison(`${beforeUser}06`)).toContain('invalid union index: 3');
    const item = encodeSample(RECORD_SAMPLES['catalogue-item-bare']!);
    item[item.length - 10] = 2;
    expect(problemOf(() => decodeRecord(item))).toContain('a boolean of 2');
  });

  it('of 10 MB is refused unread', () => {
    const bytes = Buffer.alloc(10_485_760);
    bytes[4] = 1;
    expect(problemOf(() => decodeRecord(bytes))).toBe('10485760 bytes, more than 1048576');
  });

  it('names the record that it is not', () => {
    const bytes = encodeSample(RECORD_SAMPLES.forget!);
    expect(problemOf(() => decodeRecordAs('Interaction', bytes))).toBe(
      'Forget where Interaction belongs',
    );
  });
});

const doubleBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};

describe('[25] versions', () => {
  const version2: RegisteredSchema = {
    ...newestSchema('Forget'),
    id: 8,
    version: 2,
    schema: {
      type: 'record',
      name: 'Forget',
      namespace: 'freshet',
      fields: [
        { name: 'reach', type: { type: 'array', items: 'string' }, default: ['everything'] },
        { name: 'receivedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'reason', type: ['null', 'string'], default: null },
        { name: 'userId', type: 'string' },
        { name: 'requestId', type: 'string', default: '' },
      ],
    },
  };
  const newer = createRecordCodec([...REGISTRY, version2]);
  const bytes = encodeSample(RECORD_SAMPLES.forget!);

  it('an old record is read into the newest shape, its fields in another order', () => {
    expect(newer.decodeRecord(bytes)).toEqual({
      name: 'Forget',
      record: { ...RECORD_SAMPLES.forget!.record, reach: ['everything'], reason: null },
    });
  });

  it('an old record that is broken is refused like a new one', () => {
    for (let length = 5; length < bytes.length; length++) {
      expect(problemOf(() => newer.decodeRecord(bytes.subarray(0, length)))).toContain(
        'Forget (version 1) with',
      );
    }
    expect(problemOf(() => newer.decodeRecord(Buffer.concat([bytes, bytes])))).toContain(
      'after its end',
    );
  });

  it('a record of a version that is not known yet is refused by its id', () => {
    const fromNewer = newer.encodeRecord('Forget', {
      ...RECORD_SAMPLES.forget!.record,
      reason: null,
    } as never);
    expect(() => decodeRecord(fromNewer)).toThrow('Expected a known schema id, got 8.');
  });

  it('fields that the newest version dropped are passed over, whatever they hold', () => {
    const dropped = newer.encodeRecord('Forget', {
      ...RECORD_SAMPLES.forget!.record,
      reach: ['a', 'b'],
      reason: 'asked',
    } as never);
    const version3: RegisteredSchema = { ...newestSchema('Forget'), id: 9, version: 3 };
    const older = createRecordCodec([...REGISTRY, version2, version3]);
    expect(older.decodeRecord(dropped)).toEqual(RECORD_SAMPLES.forget);
    const cut = Buffer.from(dropped);
    cut[5] = 0x7f; // the count of the array that is passed over
    expect(problemOf(() => older.decodeRecord(cut))).toContain('Forget (version 2) with');
  });
});
