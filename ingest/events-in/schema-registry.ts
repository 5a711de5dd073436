/**
 * The schemas of producers outside, out of a registry with Confluent's REST interface: what an id means
 * never changes, so each is asked for once and kept, up to a number. While the registry cannot be asked,
 * that is an error to be tried again: whoever needs the schema waits, nothing is set aside for it.
 *
 * Only the registry's own words make an id unknown: a 404 without its code is a wrong address, and would
 * otherwise set every record aside. A schema that has just been registered may take a moment to reach all
 * of several registries, so an unknown id is asked for again before it is believed, and then only later.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  badSchema,
  type ForeignSchema,
  foreignSchemaOf,
} from '../../schemas/avro/foreign-schema.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';

/** Resolves to undefined for an id that nobody registered; throws while that cannot be learnt. */
export type WriterSchemas = (schemaId: number) => Promise<ForeignSchema | undefined>;

export interface SchemaRegistryOptions {
  /** With the path under which `/schemas/ids/` lies, if any. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed its certificate, where it is none of the system's. */
  readonly caCertificate?: string;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly logger: Logger;
}

export interface SchemaRegistry {
  readonly schemaOf: WriterSchemas;
  /** Why it cannot be asked; undefined while it can. */
  problem(): string | undefined;
}

const REQUEST_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 1_048_576;
const SCHEMAS_MAX = 1_000;
const UNKNOWN_TRIES = 3;
const UNKNOWN_PAUSE_MS = 400 as DurationMs;
const UNKNOWN_FOR_MS = 30_000;
/** After a failure nobody else tries for so long. */
const AWAY_MS = 1_000;
/** The registry's code for an id that it does not have. */
const SCHEMA_NOT_FOUND = 40_403;

export const openSchemaRegistry = (options: SchemaRegistryOptions): SchemaRegistry => {
  const registry = new Registry(options);
  return {
    schemaOf: (schemaId) => registry.schemaOf(schemaId),
    problem: () => registry.problem,
  };
};

type Known = ForeignSchema | FreshetError | { readonly unknownUntilMs: number };

class Registry {
  problem: string | undefined;
  readonly #options: SchemaRegistryOptions;
  /** The oldest first. */
  readonly #known = new Map<number, Known>();
  readonly #asking = new Map<number, Promise<Known>>();
  #awayUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: SchemaRegistryOptions) {
    this.#options = options;
  }

  async schemaOf(schemaId: number): Promise<ForeignSchema | undefined> {
    const known = this.#remembered(schemaId) ?? (await this.#ask(schemaId));
    if (known instanceof FreshetError) throw known;
    return 'decode' in known ? known : undefined;
  }

  #remembered(schemaId: number): Known | undefined {
    const known = this.#known.get(schemaId);
    if (known === undefined || !('unknownUntilMs' in known)) return known;
    return known.unknownUntilMs > this.#options.clock.monotonicMs() ? known : undefined;
  }

  /** However many wait for an id, it is asked for once. */
  #ask(schemaId: number): Promise<Known> {
    const asking = this.#asking.get(schemaId) ?? this.#learn(schemaId);
    this.#asking.set(schemaId, asking);
    return asking.finally(() => this.#asking.delete(schemaId));
  }

  async #learn(schemaId: number): Promise<Known> {
    const { clock } = this.#options;
    for (let tried = 1; ; tried += 1) {
      const schema = await this.#fetch(schemaId);
      if (schema === undefined && tried < UNKNOWN_TRIES) {
        await clock.sleep(UNKNOWN_PAUSE_MS);
        continue;
      }
      const known = schema ?? { unknownUntilMs: clock.monotonicMs() + UNKNOWN_FOR_MS };
      this.#known.delete(schemaId);
      this.#known.set(schemaId, known);
      if (this.#known.size > SCHEMAS_MAX) this.#known.delete(this.#known.keys().next().value!);
      return known;
    }
  }

  async #fetch(schemaId: number): Promise<ForeignSchema | FreshetError | undefined> {
    const { clock, logger } = this.#options;
    if (clock.monotonicMs() < this.#awayUntilMs) throw this.#unavailable(schemaId);
    try {
      const answer = await get(schemaId, this.#options);
      const schema = schemaOfAnswer(answer, schemaId);
      if (this.problem !== undefined) logger.warn('the schema registry answers again');
      this.problem = undefined;
      return schema;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (this.problem === undefined) logger.warn('events wait for the schema registry', { error });
      this.problem = problem;
      this.#awayUntilMs = clock.monotonicMs() + AWAY_MS;
      throw this.#unavailable(schemaId, error);
    }
  }

  #unavailable(schemaId: number, cause?: unknown): FreshetError {
    const why = `the schema registry does not say what schema ${schemaId} is (${this.problem})`;
    return new FreshetError('unavailable', { why }, { cause });
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Throws for whatever is not the registry's word on this id. */
const schemaOfAnswer = (
  { status, text }: Answer,
  schemaId: number,
): ForeignSchema | FreshetError | undefined => {
  const said = objectIn(text);
  if (status === 404 && said?.error_code === SCHEMA_NOT_FOUND) return undefined;
  if (status !== 200 || typeof said?.schema !== 'string') {
    throw new Error(`status ${status} and ${JSON.stringify(text.slice(0, 120))}`);
  }
  try {
    return compiled({ ...said, schema: said.schema }, schemaId);
  } catch (error) {
    if (isFreshetError(error, 'bad_record')) return error;
    throw error;
  }
};

const compiled = (
  said: Readonly<Record<string, unknown>> & { readonly schema: string },
  schemaId: number,
): ForeignSchema => {
  const { schemaType = 'AVRO', references } = said;
  if (schemaType !== 'AVRO') {
    throw badSchema(schemaId, `of type ${schemaType}`);
  }
  if (Array.isArray(references) && references.length > 0) {
    throw badSchema(schemaId, 'one that refers to others; register it as a whole');
  }
  return foreignSchemaOf(objectIn(said.schema), schemaId);
};

const objectIn = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
};

const get = (
  schemaId: number,
  { url, username, password, caCertificate }: SchemaRegistryOptions,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const address = new URL(`${url.replace(/\/+$/, '')}/schemas/ids/${schemaId}`);
    const request = address.protocol === 'https:' ? httpsRequest : httpRequest;
    const asked = request(address, {
      headers: { accept: 'application/vnd.schemaregistry.v1+json, application/json' },
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
      ...(username === undefined ? {} : { auth: `${username}:${password ?? ''}` }),
      ...(caCertificate === undefined ? {} : { ca: caCertificate }),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      response.on('error', reject);
      response.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error('an answer beyond all bounds'));
        else pieces.push(piece);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }),
      );
    });
    asked.end();
  });
