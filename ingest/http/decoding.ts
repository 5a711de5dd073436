/**
 * Bodies of requests as bytes: decompressed, and never more than the limit however small they came.
 * Node's one-shot decompressors stop at the limit themselves, so a bomb costs that much and no more.
 */
import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { FreshetError } from '../../schemas/errors.ts';

const DECODERS: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

export const decodeBody = async (
  body: Buffer,
  encoding: string,
  bytesMax: number,
): Promise<Buffer> => {
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) {
    throw new FreshetError('bad_media_type', {
      expected: 'with content-encoding gzip, deflate, br or none',
      got: encoding,
    });
  }
  try {
    return await decoder(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    const problem = `a body that is not ${encoding}`;
    throw new FreshetError('bad_json', { problem }, { cause });
  }
};

export const tooLarge = (bytesMax: number): FreshetError =>
  new FreshetError('too_large', { limit: `${bytesMax / 1024 / 1024} MiB` });

export const parseJson = (body: Buffer): unknown => {
  if (body.length === 0) throw new FreshetError('bad_json', { problem: 'an empty body' });
  if (!isUtf8(body)) throw new FreshetError('bad_json', { problem: 'bytes that are not UTF-8' });
  return parseText(body.toString('utf8'), 'text');
};

const parseText = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const problem = `${what} that is not JSON (${(cause as Error).message})`;
    throw new FreshetError('bad_json', { problem }, { cause });
  }
};

/** One value a line; empty lines are passed over. */
export const parseNdjson = (body: Buffer): unknown[] => {
  if (!isUtf8(body)) throw new FreshetError('bad_json', { problem: 'bytes that are not UTF-8' });
  const values: unknown[] = [];
  body
    .toString('utf8')
    .split('\n')
    .forEach((line, index) => {
      if (line.trim() !== '') values.push(parseText(line, `line ${index + 1}`));
    });
  return values;
};
