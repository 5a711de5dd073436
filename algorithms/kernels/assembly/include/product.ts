/**
 * C += A·B for f32 matrices in any order of storage: A(i, k) stands `aRow`·i + `aColumn`·k bytes on,
 * B(k, j) likewise, C by rows. B is copied in pieces of DEPTH × WIDTH that stay in the first cache
 * (24 KB), laid out as `columns4` wants them; A's values are broadcast from where they are. What is
 * left beside multiples of four is summed one by one, so wide shapes should be multiples of four.
 */
import { columns4 } from './block';

const DEPTH = 128;
const WIDTH = 48;
/** What a caller must give as scratch. */
export const PRODUCT_SCRATCH: usize = DEPTH * WIDTH * 4;

function copyPiece(b: usize, bRow: usize, bColumn: usize, depth: i32, width: i32, piece: usize): void {
  const line = <usize>width * 4;
  if (bColumn == 4) {
    for (let k = 0; k < depth; k++) memory.copy(piece + <usize>k * line, b + <usize>k * bRow, line);
    return;
  }
  let k = 0;
  if (bRow == 4) {
    for (; k + 4 <= depth; k += 4) {
      for (let j = 0; j < width; j += 4) {
        const from = b + <usize>j * bColumn + <usize>k * 4;
        const to = piece + <usize>k * line + <usize>j * 4;
        const r0 = v128.load(from), r1 = v128.load(from + bColumn);
        const r2 = v128.load(from + 2 * bColumn), r3 = v128.load(from + 3 * bColumn);
        const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
        const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
        v128.store(to + line, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
        v128.store(to + 2 * line, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
        v128.store(to + 3 * line, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
      }
    }
  }
  for (; k < depth; k++) {
    for (let j = 0; j < width; j++) {
      store<f32>(piece + <usize>k * line + <usize>j * 4, load<f32>(b + <usize>k * bRow + <usize>j * bColumn));
    }
  }
}

function addOneByOne(
  m: i32, n: i32, depth: i32, a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize, c: usize, cRow: usize,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum: f32 = 0;
      for (let k = 0; k < depth; k++) {
        sum += load<f32>(a + <usize>i * aRow + <usize>k * aColumn) * load<f32>(b + <usize>k * bRow + <usize>j * bColumn);
      }
      const at = c + <usize>i * cRow + <usize>j * 4;
      store<f32>(at, load<f32>(at) + sum);
    }
  }
}

export function addProduct(
  scratch: usize, m: i32, n: i32, depth: i32, a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize, c: usize, cRow: usize,
): void {
  const m4 = m & ~3, n4 = n & ~3;
  for (let k = 0; k < depth; k += DEPTH) {
    const kCount = min(DEPTH, depth - k);
    const aPart = a + <usize>k * aColumn;
    for (let j = 0; j < n4; j += WIDTH) {
      const width = min(WIDTH, n4 - j);
      copyPiece(b + <usize>k * bRow + <usize>j * bColumn, bRow, bColumn, kCount, width, scratch);
      for (let i = 0; i < m4; i += 4) {
        columns4<f32>(
          scratch, <usize>width * 4, aPart + <usize>i * aRow, aColumn, aRow,
          kCount, c + <usize>i * cRow + <usize>j * 4, cRow, width / 4, false,
        );
      }
    }
  }
  if (n4 < n) {
    const right = <usize>n4;
    addOneByOne(m4, n - n4, depth, a, aRow, aColumn, b + right * bColumn, bRow, bColumn, c + right * 4, cRow);
  }
  if (m4 < m) {
    const below = <usize>m4;
    addOneByOne(m - m4, n, depth, a + below * aRow, aRow, aColumn, b, bRow, bColumn, c + below * cRow, cRow);
  }
}
