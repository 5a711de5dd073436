import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { untilSilent } from './engine-watch.ts';

/** Answers pings until it is asked something else, and from then on nothing at all. */
let server: Server;
let asked: string[];
beforeEach(async () => {
  asked = [];
  server = createServer(({ method }, answer) => {
    asked.push(method ?? '');
    if (!asked.includes('POST')) answer.end('Ok.');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('a watch over an engine', () => {
  it('notices that it hangs also where it does so while it is asked for damage', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watch = {
      clock: systemClock,
      connection: { url, username: 'site', password: 'of-this-test-alone' },
      pingUrl: `${url}/ping`,
      pingIntervalMs: 1,
      pingTimeoutMs: 50,
      pingsMissedMax: 2,
      onDamage: () => undefined,
    };
    const problem = await untilSilent(watch, new AbortController().signal);
    expect(problem).toBe('it did not answer 2 times in a row');
    expect(asked.filter((method) => method === 'POST')).toHaveLength(1);
  });
});
