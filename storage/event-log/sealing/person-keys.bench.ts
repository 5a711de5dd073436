/** What sealing and opening a record costs, with the person's key at hand and without. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, describe } from 'vitest';
import type { EpochMs, Offset } from '../../../schemas/ids.ts';
import { createKeyFile } from './key-file.ts';
import { PersonKeys } from './person-keys.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';

const randomBytes = seededBytes(1);
const path = join(mkdtempSync(join(tmpdir(), 'freshet-sealing-')), 'people.keys');
createKeyFile(path, randomBytes);
const keys = PersonKeys.ofFile({ path, randomBytes });
/** As long as an interaction is. */
const value = randomBytes(110);
const RECORDS = 1_000;

for (const people of [1_000, 20_000, 1_000_000]) {
  let at = 0;
  const next = (): Buffer => Buffer.from(`u:person-${(at++ * 7_919) % people}`);
  const sealed = Array.from({ length: RECORDS }, () => ({
    key: null,
    value: keys.seal({ key: next(), value }),
    timestamp: 1 as EpochMs,
    offset: 1 as Offset,
  }));
  describe(`${RECORDS} records of ${people} people`, () => {
    bench('seal', () => {
      for (let record = 0; record < RECORDS; record++) keys.seal({ key: next(), value });
    });
    bench('open', () => {
      for (const record of sealed) keys.open(record);
    });
  });
}
