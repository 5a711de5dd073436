/**
 * Writes the golden bytes of samples and versions that have none yet; run it after adding a version
 * of a record or a sample: `node test/registry/add-golden-bytes.ts`. What is there it never touches.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { GOLDEN_FOLDER, goldenText } from '../../schemas/avro/golden-record.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { RECORD_SAMPLES } from '../../schemas/avro/record-samples.ts';
import { REGISTRY } from '../../schemas/avro/registry.ts';

for (const [sample, { name, record }] of Object.entries(RECORD_SAMPLES)) {
  const version = Math.max(
    ...REGISTRY.filter((entry) => entry.record === name).map((entry) => entry.version),
  );
  const file = `${sample}.v${version}`;
  const hexFile = new URL(`${file}.hex`, GOLDEN_FOLDER);
  if (existsSync(hexFile)) continue;
  const hex = Buffer.from(encodeRecord(name, record as never)).toString('hex');
  writeFileSync(hexFile, `${hex.replace(/.{96}/g, '$&\n').trimEnd()}\n`, { flag: 'wx' });
  writeFileSync(new URL(`${file}.json`, GOLDEN_FOLDER), `${goldenText(record)}\n`, { flag: 'wx' });
  console.log(`added ${file}`);
}
