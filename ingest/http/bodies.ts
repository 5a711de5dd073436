/**
 * From the bytes of a request to a batch of values: JSON (one, or an envelope with a list), NDJSON
 * (one a line), Avro (one record with Confluent's header). text/plain and forms are refused: a page
 * on another site could send them without asking first.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';
import type { Batch } from '../edge/batch.ts';
import { shownText } from '../edge/ids.ts';
import { decodeBody, parseJson, parseNdjson } from './decoding.ts';

const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
const AVRO_TYPES = ['application/avro', 'avro/binary'];
const JSON_FORMS = 'application/json or application/x-ndjson';
const ACCEPTED = 'application/json, application/x-ndjson or application/avro';

export interface BatchForm {
  /** Of the list in an envelope: `events`. */
  readonly name: string;
  readonly batchMax: number;
  /** Turns an Avro record into the same value as JSON would have brought. */
  readonly fromAvro?: (bytes: Uint8Array) => unknown;
}

class Lines {
  readonly values: readonly unknown[];
  constructor(values: readonly unknown[]) {
    this.values = values;
  }
}

class AvroBytes {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Teaches the scope which bodies there are. */
export const acceptBodies = (scope: FastifyInstance, bytesMax: number): void => {
  const accept = (types: readonly string[], read: (body: Buffer) => unknown): void => {
    scope.addContentTypeParser(
      [...types],
      { parseAs: 'buffer', bodyLimit: bytesMax },
      (
        request: FastifyRequest,
        body: Buffer,
        done: (error: Error | null, body?: unknown) => void,
      ) => {
        const encoding = request.headers['content-encoding'];
        if (encoding === undefined || encoding === 'identity') {
          done(null, read(body));
          return;
        }
        decodeBody(body, encoding, bytesMax)
          .then((decoded) => done(null, read(decoded)))
          .catch(done);
      },
    );
  };
  scope.removeAllContentTypeParsers();
  accept(['application/json'], parseJson);
  accept(NDJSON_TYPES, (body) => new Lines(parseNdjson(body)));
  accept(AVRO_TYPES, (body) => new AvroBytes(body));
  scope.addContentTypeParser('*', (request, payload, done) => {
    payload.resume();
    const got = request.headers['content-type'] ?? 'none';
    done(new FreshetError('bad_media_type', { expected: ACCEPTED, got }));
  });
};

export const readBatch = (body: unknown, form: BatchForm): Batch => {
  // Neither a body nor a type of one, so that no parser was asked.
  if (body === undefined) throw new FreshetError('bad_json', { problem: 'an empty body' });
  if (body instanceof Lines) {
    return { values: checkedList(body.values, form), where: '', isSingle: false };
  }
  if (body instanceof AvroBytes) return single(readAvro(body, form));
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, form.name)) {
    return envelope(body as Readonly<Record<string, unknown>>, form);
  }
  return single(body);
};

const single = (value: unknown): Batch => ({ values: [value], where: '', isSingle: true });

const envelope = (body: Readonly<Record<string, unknown>>, form: BatchForm): Batch => {
  const { name } = form;
  const other = Object.keys(body).find((field) => field !== name);
  if (other !== undefined) {
    throw badRequest(`Expected only the field ${name} beside the list, got ${shownText(other)}.`);
  }
  const values = body[name];
  if (!Array.isArray(values)) throw badRequest(`Expected ${name} to be an array, got none.`);
  return { values: checkedList(values, form), where: `/${name}`, isSingle: false };
};

const checkedList = (
  values: readonly unknown[],
  { name, batchMax }: BatchForm,
): readonly unknown[] => {
  if (values.length === 0) throw badRequest(`Expected at least one of ${name}, got none.`);
  if (values.length <= batchMax) return values;
  throw new FreshetError('too_many_events', { limit: batchMax, got: values.length });
};

const readAvro = ({ bytes }: AvroBytes, form: BatchForm): unknown => {
  if (form.fromAvro) return form.fromAvro(bytes);
  throw new FreshetError('bad_media_type', { expected: JSON_FORMS, got: 'application/avro' });
};

const badRequest = (problem: string): FreshetError => new FreshetError('bad_request', { problem });
