/**
 * Free ports on loopback, below the range that the system hands out to clients. One process is never
 * given the same port twice in a row: a server that was just told of it may not listen yet. Processes that
 * were started one after the other look in places far apart, for the same reason.
 */
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 31_999;
/** More ports than one file of tests takes. */
const APART = 211;

let following = FIRST + ((process.pid * APART) % (LAST - FIRST));

export const freePort = async (start = following): Promise<number> => {
  for (let tried = 0; tried <= LAST - FIRST; tried += 1) {
    const port = FIRST + ((start - FIRST + tried) % (LAST - FIRST + 1));
    following = port + 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`Expected a free port from ${FIRST} to ${LAST}, found none`);
};

export const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
