/** Finds a free loopback port for the embedded engine. */
import { createServer } from 'node:net';
import type { RandomSource } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';

/** Below the ports that systems hand out for outgoing connections, which come and go. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
const TRIES_MAX = 50;

export const freePort = async (random: RandomSource): Promise<number> => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = PORT_MIN + Math.floor(random() * (PORT_MAX - PORT_MIN + 1));
    if (await isFree(port)) return port;
  }
  throw new FreshetError('unavailable', {
    why: `no free loopback port from ${PORT_MIN} to ${PORT_MAX}`,
  });
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
