/**
 * Golden bytes: records of every version as they were first written, kept in `schemas/registry/golden`
 * as `<sample>.v<version>.hex` beside what they hold (`.json`). They must be readable for ever.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { REGISTRY_FOLDER } from './registry.ts';

export const GOLDEN_FOLDER = new URL('golden/', REGISTRY_FOLDER);

export interface GoldenRecord {
  readonly sample: string;
  readonly version: number;
  readonly bytes: Buffer;
  /** Field by field, each as JSON text. */
  readonly fields: ReadonlyMap<string, string>;
}

/** JSON, with bytes as hexadecimal text. */
export const goldenText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part,
  );

const fieldsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, value]) => [
      name,
      goldenText(value),
    ]),
  );

export const readGoldenRecords = (): readonly GoldenRecord[] =>
  readdirSync(GOLDEN_FOLDER)
    .filter((file) => file.endsWith('.hex'))
    .map((file) => {
      const [sample, version] = file.split('.') as [string, string];
      const text = (name: string) => readFileSync(new URL(name, GOLDEN_FOLDER), 'utf8');
      return {
        sample,
        version: Number(version.slice(1)),
        bytes: Buffer.from(text(file).replaceAll('\n', ''), 'hex'),
        fields: fieldsOf(text(file.replace('.hex', '.json'))),
      };
    });
