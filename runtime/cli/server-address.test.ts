/** Which server a command finds, before a real one that says it is alive. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../configuration.ts';
import { openDataDirectory } from '../data-directory.ts';
import { callServer, leaveAddress, serverOf, takeAddressBack } from './server-address.ts';

let root: string;
let server: Server;
let url: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'freshet-address-'));
  server = createServer((request, response) => {
    response.statusCode = request.url === '/health/live' ? 200 : 404;
    response.end(request.url === '/text' ? 'no JSON' : '{"error":{"message":"No such thing."}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const found = (named?: string): Promise<string | undefined> =>
  serverOf({
    text: (flag) => (flag === 'url' ? named : undefined),
    configuration: loadConfiguration({
      environment: {},
      flags: new Map([['dataDirectory', root] as const]),
    }),
  });

const openOwned = () => {
  const directory = openDataDirectory(root, { userPartitions: 1, itemPartitions: 1 });
  const port = Number(new URL(url).port);
  leaveAddress(directory.paths.server, { pid: process.pid, port, url });
  return directory;
};

describe('the server of a data directory', () => {
  it('is the one whose process owns the directory and answers', async () => {
    expect(await found()).toBeUndefined();
    const directory = openOwned();
    expect(await found()).toBe(url);
    takeAddressBack(directory.paths.server);
    expect(await found()).toBeUndefined();
    directory.release();
  });

  it('is not whoever listens where a killed one did: that may be another site', async () => {
    const directory = openOwned();
    directory.release();
    expect(await found()).toBeUndefined();
  });

  it('is none where its file is half written', async () => {
    const directory = openOwned();
    writeFileSync(directory.paths.server, '{"pid":');
    expect(await found()).toBeUndefined();
    directory.release();
  });
});

describe('a server that is named', () => {
  it('is found with a slash at its end, and refused at once where nothing answers', async () => {
    expect(await found(`${url}/`)).toBe(url);
    for (const named of ['127.0.0.1:8090', 'nonsense', 'ftp://127.0.0.1']) {
      await expect(found(named)).rejects.toThrow(
        `Expected --url to be an address such as http://127.0.0.1:8090, got ${named}.`,
      );
    }
    await expect(found(`${url}/elsewhere`)).rejects.toThrow(
      `Not available now: no Freshet answers at ${url}/elsewhere.`,
    );
  });

  it('tells what it refuses in its own words, and its status where it has none', async () => {
    await expect(callServer('GET', `${url}/thing`)).rejects.toThrow('No such thing.');
    await expect(callServer('GET', `${url}/text`)).rejects.toThrow('The server answered 404.');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(callServer('GET', `${url}/thing`)).rejects.toThrow(
      `Not available now: ${url}/thing does not answer any more.`,
    );
  });
});
