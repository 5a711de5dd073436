/**
 * A person's vector as the stream keeps it beside their state, under `vector:<subjectId>`: a view of
 * the state at one offset and of one release, never an input of anything, to be dropped at any time.
 */
import type { Offset, SubjectId } from '../ids.ts';

export interface StoredVector {
  readonly release: string;
  /** Of the state that it was solved from. */
  readonly offset: Offset;
  readonly vector: Float32Array;
}

export const VECTOR_PREFIX = 'vector:';
export const vectorKey = (id: SubjectId): string => `${VECTOR_PREFIX}${id}`;

const VERSION = 1;
/** Version, length of the release's name, padding; the offset. */
const HEAD_BYTES = 16;
const OFFSET_AT = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const aligned = (bytes: number): number => Math.ceil(bytes / 4) * 4;

export const encodeVector = ({ release, offset, vector }: StoredVector): Uint8Array => {
  const name = encoder.encode(release);
  const vectorAt = HEAD_BYTES + aligned(name.length);
  const bytes = new Uint8Array(vectorAt + vector.byteLength);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes[1] = name.length;
  view.setFloat64(OFFSET_AT, offset, true);
  bytes.set(name, HEAD_BYTES);
  new Float32Array(bytes.buffer, vectorAt).set(vector);
  return bytes;
};

/** undefined for what another version wrote: it will be solved again. */
export const decodeVector = (bytes: Uint8Array): StoredVector | undefined => {
  if (bytes[0] !== VERSION) return undefined;
  const copy = bytes.slice();
  const nameLength = copy[1]!;
  const vectorAt = HEAD_BYTES + aligned(nameLength);
  return {
    release: decoder.decode(copy.subarray(HEAD_BYTES, HEAD_BYTES + nameLength)),
    offset: new DataView(copy.buffer).getFloat64(OFFSET_AT, true) as Offset,
    vector: new Float32Array(copy.buffer, vectorAt),
  };
};
