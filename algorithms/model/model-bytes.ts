/**
 * A model as bytes: a JSON header and the model's arrays, each aligned to 8 bytes, so that a
 * reader can lay typed arrays over the file without copying. Numbers are little-endian, as on
 * every machine that Node runs on. Checksums are the artifact store's matter; here only what the
 * header promises is checked, so that a damaged or foreign file is refused with a sentence.
 */
import { AlgorithmError } from './algorithm-error.ts';

export type ModelArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

const CONSTRUCTORS = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
} as const;
type ArrayKind = keyof typeof CONSTRUCTORS;

export interface ModelParts {
  /** Which model this is and the version of its layout, for example `ease/1`. */
  readonly format: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly arrays: Readonly<Record<string, ModelArray>>;
}

interface Entry {
  readonly name: string;
  readonly kind: ArrayKind;
  readonly length: number;
  readonly position: number;
}

const MAGIC = 'FRMODEL1';
const PREFIX_BYTES = 16;
const align = (bytes: number): number => Math.ceil(bytes / 8) * 8;

const kindOf = (array: ModelArray): ArrayKind => {
  const found = (Object.keys(CONSTRUCTORS) as ArrayKind[]).find(
    (kind) => array instanceof CONSTRUCTORS[kind],
  );
  if (!found) throw new AlgorithmError('bad_artifact', { expected: 'a typed array', got: array });
  return found;
};

export const encodeModel = (parts: ModelParts): Uint8Array<ArrayBuffer> => {
  let position = 0;
  const entries: Entry[] = Object.entries(parts.arrays).map(([name, array]) => {
    const entry = { name, kind: kindOf(array), length: array.length, position };
    position += align(array.byteLength);
    return entry;
  });
  const header = new TextEncoder().encode(
    JSON.stringify({ format: parts.format, facts: parts.facts, entries }),
  );
  const bodyStart = PREFIX_BYTES + align(header.length);
  const bytes = new Uint8Array(bodyStart + position);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(8, header.length, true);
  bytes.set(header, PREFIX_BYTES);
  for (const entry of entries) {
    const { buffer, byteOffset, byteLength } = parts.arrays[entry.name] as ModelArray;
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), bodyStart + entry.position);
  }
  return bytes;
};

interface Header {
  readonly format: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly entries: readonly Entry[];
}

const readHeader = (bytes: Uint8Array): { header: Header; bodyStart: number } => {
  const magic = new TextDecoder().decode(bytes.subarray(0, 8));
  if (magic !== MAGIC) {
    throw new AlgorithmError('bad_artifact', { expected: MAGIC, got: JSON.stringify(magic) });
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const bodyStart = PREFIX_BYTES + align(length);
  if (bodyStart > bytes.length) {
    throw new AlgorithmError('bad_artifact', { expected: 'a whole header', got: 'a part of it' });
  }
  const text = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
  return { header: JSON.parse(text) as Header, bodyStart };
};

/**
 * The arrays are views of `bytes` where these lie at a multiple of 8, as a file that was read does, and
 * of a copy otherwise: who hands them over must not write them any more.
 */
export const decodeModel = (bytes: Uint8Array, format: string): ModelParts => {
  const { header, bodyStart } = readHeader(bytes);
  if (header.format !== format) {
    throw new AlgorithmError('bad_artifact', { expected: format, got: header.format });
  }
  const { buffer, byteOffset } = bytes;
  const isAligned = (byteOffset + bodyStart) % 8 === 0;
  const body =
    isAligned && buffer instanceof ArrayBuffer
      ? new Uint8Array(buffer, byteOffset + bodyStart, bytes.length - bodyStart)
      : bytes.slice(bodyStart);
  const arrays: Record<string, ModelArray> = Object.create(null);
  for (const { name, kind, length, position } of header.entries) {
    const Constructor = CONSTRUCTORS[kind];
    if (position + length * Constructor.BYTES_PER_ELEMENT > body.length) {
      throw new AlgorithmError('bad_artifact', { expected: `all of array ${name}`, got: 'a part' });
    }
    arrays[name] = new Constructor(body.buffer, body.byteOffset + position, length);
  }
  return { format, facts: header.facts, arrays };
};

/** One array of a decoded model, of the type that the model expects it to be. */
export const arrayOf = <Kind extends ArrayKind>(
  parts: ModelParts,
  name: string,
  kind: Kind,
): InstanceType<(typeof CONSTRUCTORS)[Kind]> => {
  const array = parts.arrays[name];
  if (!(array instanceof CONSTRUCTORS[kind])) {
    throw new AlgorithmError('bad_artifact', { expected: `array ${name} of ${kind}`, got: 'none' });
  }
  return array as InstanceType<(typeof CONSTRUCTORS)[Kind]>;
};

/** That an array has the length that the model's dimensions make. */
export const checkLength = (name: string, array: ModelArray, length: number): void => {
  if (array.length === length) return;
  throw new AlgorithmError('bad_artifact', {
    expected: `${length} numbers in array ${name}`,
    got: array.length,
  });
};
