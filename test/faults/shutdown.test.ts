/** Fault 30: SIGTERM while people watch and events come. The program must end by itself, tidily. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../services/free-port.ts';
import { connect } from '../serving/live-client.ts';
import { type ServerProcess, startServer } from './server-process.ts';

let directory: string;
let port: number;
let server: ServerProcess;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-shutdown-'));
  port = await freePort();
  server = await startServer({ dataDirectory: directory, port, flags: ['--empty'] });
});
afterEach(async () => {
  await server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Sends one event after the other until the server no longer takes any; how many it took. */
const keepSending = async (person: string): Promise<number> => {
  for (let taken = 0; ; taken++) {
    const answer = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId: person, itemId: `item-${taken % 9}`, kind: 'click' }),
    }).catch(() => undefined);
    if (answer?.status !== 200) return taken;
    await answer.arrayBuffer();
  }
};

const openTcp = (text: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.write(text, () => resolve(socket));
    });
    socket.on('error', () => undefined);
  });

describe('SIGTERM', () => {
  it('ends the program with code 0 while sockets, streams and half-sent requests are open', async () => {
    const watching = await connect(port);
    watching.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    await watching.next('snapshot');
    const stream = await fetch(`${server.url}/v1/live/stream?channel=user:ada`);
    const head = 'POST /v1/events HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n';
    const dawdling = await openTcp(`${head}content-length: 100\r\n\r\n{"userId":`);
    const sending = Array.from({ length: 8 }, (_, index) => keepSending(`person-${index}`));
    await fetch(`${server.url}/v1/system`);
    expect(await server.kill('SIGTERM')).toBe(0);
    expect(server.output()).toContain('Stopped. Your data stays where it is.');
    expect((await watching.closed).code).toBe(1001);
    await stream.text();
    for (const taken of await Promise.all(sending)) expect(taken).toBeGreaterThanOrEqual(0);
    dawdling.destroy();
  });
});
