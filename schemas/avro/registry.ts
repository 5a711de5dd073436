/**
 * The committed registry: every version of every record with its fixed id. An id, once given, means
 * the same schema for ever; a new version is a new file and a new line in `index.json`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RecordName } from '../records.ts';

export interface RegisteredSchema {
  readonly id: number;
  readonly record: RecordName;
  /** From 1, without gaps; the highest is what is written. */
  readonly version: number;
  readonly file: string;
  /** SHA-256 of the schema's JSON without its white space, so that a change to the file is noticed. */
  readonly fingerprint: string;
  /** The Avro schema as JSON. */
  readonly schema: object;
}

export const REGISTRY_FOLDER = new URL('../registry/', import.meta.url);

export const fingerprintOf = (schema: object): string =>
  createHash('sha256').update(JSON.stringify(schema)).digest('hex');

const readJson = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(file, REGISTRY_FOLDER), 'utf8'));

const readRegistry = (): readonly RegisteredSchema[] => {
  const index = readJson('index.json') as {
    readonly schemas: readonly Omit<RegisteredSchema, 'schema'>[];
  };
  return index.schemas.map((entry) => ({ ...entry, schema: readJson(entry.file) as object }));
};

export const REGISTRY: readonly RegisteredSchema[] = readRegistry();
