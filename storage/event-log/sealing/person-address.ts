/** A person's address in the tree of keys, as text. */
import type { PersonAddress } from './key-tree.ts';

/** 16 hexadecimal digits. */
export const addressText = ({ high, low }: PersonAddress): string =>
  [high, low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');

export const addressOfText = (text: string): PersonAddress => ({
  high: Number.parseInt(text.slice(0, 8), 16) | 0,
  low: Number.parseInt(text.slice(8), 16) | 0,
});
