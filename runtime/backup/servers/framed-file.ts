/**
 * A file of frames, compressed: records of the log, entries of the state, rows of the warehouse. All
 * are something with a place, a time, a key and a value.
 *
 *   offset f64 | timestamp f64 | key length i32 | value length i32 | key | value
 *
 * Little endian; a length of −1 means none. That the bytes are those that were written is the manifest's
 * to say, which knows the file's hash.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { FreshetError } from '../../../schemas/errors.ts';
import { type EpochMs, offset } from '../../../schemas/ids.ts';
import type { LogRecord } from '../../../storage/event-log/event-log.ts';

const HEAD_BYTES = 24;
const NONE = -1;
const FRAMES_PER_SLICE = 1_000;
const PIECE_BYTES = 262_144;

/** Also of an entry or a row: what is framed has the shape of a record. */
export type Frame = Pick<LogRecord, 'offset' | 'timestamp' | 'key' | 'value'>;

export class FramedFile {
  readonly #path: string;
  readonly #packing = createZstdCompress();
  readonly #done: Promise<void>;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;

  static async create(path: string): Promise<FramedFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new FramedFile(path);
  }

  private constructor(path: string) {
    this.#path = path;
    const file = this.#packing.pipe(createWriteStream(path, { mode: 0o600 }));
    this.#packing.on('error', (error) => file.destroy(error));
    this.#done = finished(file);
    // Whoever ends the file hears of it.
    this.#done.catch(() => undefined);
  }

  async write({ offset: at, timestamp, key, value }: Frame): Promise<void> {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeDoubleLE(at, 0);
    head.writeDoubleLE(timestamp, 8);
    head.writeInt32LE(key?.length ?? NONE, 16);
    head.writeInt32LE(value?.length ?? NONE, 20);
    for (const part of [head, key, value]) {
      if (part === null || part.length === 0) continue;
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
    }
    if (this.#gatheredBytes >= PIECE_BYTES) await this.#pass();
  }

  /** Resolves once it is on the disk. */
  async end(): Promise<void> {
    await this.#pass();
    this.#packing.end();
    await this.#done;
    const written = await open(this.#path, 'r+');
    await written.sync().finally(() => written.close());
  }

  async #pass(): Promise<void> {
    const piece = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (piece.length === 0 || this.#packing.write(piece)) return;
    await Promise.race([
      new Promise((resolve) => this.#packing.once('drain', resolve)),
      this.#done,
    ]);
  }
}

/** All frames in their order. */
export async function* framesIn(path: string): AsyncGenerator<readonly Frame[]> {
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const unpacking = file.pipe(createZstdDecompress());
  file.on('error', (error) => unpacking.destroy(error));
  let left: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of unpacking) {
      const bytes: Buffer = left.length === 0 ? piece : Buffer.concat([left, piece]);
      const { frames, used } = framesOf(bytes);
      left = bytes.subarray(used);
      for (let from = 0; from < frames.length; from += FRAMES_PER_SLICE) {
        yield frames.slice(from, from + FRAMES_PER_SLICE);
      }
    }
  } finally {
    file.destroy();
    unpacking.destroy();
  }
  if (left.length > 0) {
    throw new FreshetError('backup_damaged', { directory: path, problem: 'half a frame' });
  }
}

const framesOf = (bytes: Buffer): { readonly frames: readonly Frame[]; readonly used: number } => {
  const frames: Frame[] = [];
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length) {
    const keyBytes = bytes.readInt32LE(at + 16);
    const valueBytes = bytes.readInt32LE(at + 20);
    const keyAt = at + HEAD_BYTES;
    const valueAt = keyAt + Math.max(0, keyBytes);
    const next = valueAt + Math.max(0, valueBytes);
    if (next > bytes.length) break;
    frames.push({
      offset: offset(bytes.readDoubleLE(at)),
      timestamp: bytes.readDoubleLE(at + 8) as EpochMs,
      key: keyBytes === NONE ? null : bytes.subarray(keyAt, valueAt),
      value: valueBytes === NONE ? null : bytes.subarray(valueAt, next),
    });
    at = next;
  }
  return { frames, used: at };
};
