/** A free port on loopback, below the range that the system hands out to clients. */
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 31_999;

export const freePort = async (start = FIRST + (process.pid % (LAST - FIRST))): Promise<number> => {
  for (let tried = 0; tried <= LAST - FIRST; tried += 1) {
    const port = FIRST + ((start - FIRST + tried) % (LAST - FIRST + 1));
    if (await isFree(port)) return port;
  }
  throw new Error(`Expected a free port from ${FIRST} to ${LAST}, found none`);
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
