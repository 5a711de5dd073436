/**
 * Lines of a text file, whatever its encoding: UTF-8 where the bytes are that, else Windows-1252 (of
 * which ISO 8859-1 is the useful part), decided for each line, so that a file of mixed encodings
 * comes out right as far as that can be known.
 */
import { isUtf8 } from 'node:buffer';
import { FreshetError } from '../../schemas/errors.ts';
import type { SourceFile } from './source-files.ts';

export type TakeLine = (line: string, number: number) => void;

export interface LinesRead {
  readonly lines: number;
  /** Numbers of the lines that were not UTF-8. */
  readonly otherEncoding: readonly number[];
}

const NEWLINE = 10;
/** A longer line is no line of text; it would only fill the memory. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const BOM = '\ufeff';
const windows1252 = new TextDecoder('windows-1252');

/** Calls `take` for every line, without its end; numbers count from 1. */
export const readLines = async (
  file: SourceFile,
  take: TakeLine,
  /** Called behind the lines of each piece of the file; reading waits for what it returns. */
  onBytes: (bytes: number) => Promise<void> | undefined = () => undefined,
): Promise<LinesRead> => {
  let rest: Buffer[] = [];
  const count = { lines: 0, otherEncoding: [] as number[] };
  const emit = (line: string): void => {
    count.lines += 1;
    const text = count.lines === 1 && line.startsWith(BOM) ? line.slice(1) : line;
    take(text.endsWith('\r') ? text.slice(0, -1) : text, count.lines);
  };
  const decode = (block: Buffer): void => {
    if (isUtf8(block)) for (const line of block.toString('utf8').split('\n')) emit(line);
    else for (const line of linesOf(block)) emit(decodeLine(line, count));
  };
  for await (const chunk of await file.open()) {
    const bytes = chunk as Buffer;
    if (count.lines === 0 && rest.length === 0) refuseUtf16(bytes, file);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end < 0) {
      rest.push(bytes);
      checkLength(rest, file);
      void onBytes(bytes.length);
      continue;
    }
    decode(Buffer.concat([...rest, bytes.subarray(0, end)]));
    rest = end + 1 < bytes.length ? [bytes.subarray(end + 1)] : [];
    const wait = onBytes(bytes.length);
    if (wait) await wait;
  }
  if (rest.length > 0) decode(Buffer.concat(rest));
  return count;
};

const checkLength = (line: readonly Buffer[], { path }: SourceFile): void => {
  const bytes = line.reduce((sum, part) => sum + part.length, 0);
  if (bytes <= LINE_BYTES_MAX) return;
  throw new FreshetError('bad_file', {
    expected: `lines of at most ${LINE_BYTES_MAX} bytes`,
    path,
    got: 'a longer one',
  });
};

/** Read as anything else it would look like a file full of control characters. */
const refuseUtf16 = (start: Buffer, { path }: SourceFile): void => {
  const mark = start.length < 2 ? 0 : start.readUInt16BE(0);
  if (mark !== 0xfffe && mark !== 0xfeff) return;
  const got = 'UTF-16; save it as UTF-8';
  throw new FreshetError('bad_file', { expected: 'text in UTF-8 or Windows-1252', path, got });
};

function* linesOf(block: Buffer): Iterable<Buffer> {
  let from = 0;
  for (;;) {
    const end = block.indexOf(NEWLINE, from);
    if (end < 0) break;
    yield block.subarray(from, end);
    from = end + 1;
  }
  yield block.subarray(from);
}

const decodeLine = (line: Buffer, count: { lines: number; otherEncoding: number[] }): string => {
  if (isUtf8(line)) return line.toString('utf8');
  count.otherEncoding.push(count.lines + 1);
  return windows1252.decode(line);
};
