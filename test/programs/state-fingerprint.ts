/**
 * One hash for each state partition of a stopped server: over its position, its keys and the bytes of
 * its values. Two states with the same hashes are the same, to the last bit.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { systemClock } from '../../runtime/clock.ts';
import { dataPathsOf } from '../../runtime/data-directory.ts';
import { openEmbeddedState } from '../../runtime/embedded/stores.ts';
import type { StatePartition } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';

const PAGE = 1_000;

export type StateFingerprint = Readonly<Record<StatePartition, string>>;

export const fingerprintOfState = async (dataDirectory: string): Promise<StateFingerprint> => {
  const directory = dataPathsOf(dataDirectory).state;
  const state = await openEmbeddedState({
    directory,
    readOnly: true,
    clock: systemClock,
    logger: silentLogger,
  });
  const found: Record<string, string> = {};
  try {
    for (const name of readdirSync(directory).sort() as StatePartition[]) {
      const hash = createHash('sha256');
      const position = await state.position(name);
      hash.update(`${position?.coveredOffset} ${position?.logId}\n`);
      for (let after: string | undefined; ; ) {
        const range = { prefix: '', limit: PAGE, ...(after === undefined ? {} : { after }) };
        const page = await state.scan(name, range);
        for (const { key, value } of page) {
          hash.update(`${key} ${value.length} `).update(value);
        }
        after = page.at(-1)?.key;
        if (after === undefined || page.length < PAGE) break;
      }
      found[name] = hash.digest('hex').slice(0, 32);
    }
  } finally {
    await state.close();
  }
  return found;
};
