/** Real randomness, for what must be unpredictable: ids, tokens, passwords. */
import { randomBytes } from 'node:crypto';
import type { RandomSource } from '../schemas/environment.ts';

export { randomBytes };

/** URL-safe text that nobody can guess. */
export const randomSecret = (bytes = 24): string => randomBytes(bytes).toString('base64url');

/** Uniform numbers in [0, 1) with 48 random bits. */
export const systemRandom: RandomSource = () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
