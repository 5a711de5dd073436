/**
 * What the image holds, started as a plain process: built by the Dockerfile's own lines, run as a user
 * who can write nothing but the data folder and the temporary one.
 */
import { chmodSync, chownSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../services/free-port.ts';
import { type RunningProcess, startProcess } from '../services/server-process.ts';
import { type BuiltImage, buildImage, bytesOf, onThisMachine } from './docker-build.ts';

const MIB = 1024 * 1024;
/** Sources, page and packages; the base image comes on top. */
const IMAGE_BYTES_MAX = 100 * MIB;

const repository = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'freshet-image-'));
let image: BuiltImage;

const environmentOf = (port: number): Record<string, string> => ({
  ...image.environment,
  FRESHET_HOST: '127.0.0.1',
  FRESHET_PORT: String(port),
  FRESHET_DATA_DIRECTORY: join(folder, 'data'),
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
});

/** As root on this machine, the container's user is taken on, who owns none of the image's files. */
const [command = '', ...before] =
  process.getuid?.() === 0
    ? ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', process.execPath]
    : [process.execPath];

const start = async (port: number, words: readonly string[]): Promise<RunningProcess> => {
  const [, ...entry] = onThisMachine(image, image.entrypoint);
  return startProcess({
    name: 'the image',
    command,
    args: [...before, ...entry, ...words],
    cwd: join(image.root, image.workingDirectory),
    env: environmentOf(port),
    readyWhen: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
      return answer?.ok === true;
    },
  });
};

const probe = async (port: number): Promise<number | string> => {
  const [, ...words] = onThisMachine(image, image.healthCheck);
  const probing = await startProcess({
    name: 'the health check',
    command,
    args: [...before, ...words],
    env: environmentOf(port),
    readyWhen: async () => true,
  });
  return probing.ended;
};

beforeAll(() => {
  image = buildImage(repository, folder);
  chmodSync(folder, 0o755);
  for (const written of ['data', 'compiled']) {
    mkdirSync(join(folder, written));
    if (process.getuid?.() === 0) chownSync(join(folder, written), 1000, 1000);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the image', () => {
  it('is small, and holds neither the embedded ClickHouse nor a Node.js of its own nor tests', () => {
    const found = (pattern: string) => globSync(pattern, { cwd: join(image.root, 'app') });
    expect(found('node_modules/{chdb,@chdb,ffi-rs,node,vitest,typescript}')).toEqual([]);
    expect(found('{ingest,runtime,stream,serving,storage,training,ui}/**/*.test.*')).toEqual([]);
    expect(found('ui/dist/*').length).toBeGreaterThan(2);
    expect(bytesOf(image.root)).toBeLessThan(IMAGE_BYTES_MAX);
  });

  it('runs as somebody who is not root', () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('starts, answers its health check, serves the page and stops tidily on SIGTERM', async () => {
    const port = await freePort();
    const running = await start(port, [...image.command, '--empty', '--no-warehouse']);
    expect(await probe(port)).toBe(0);
    const page = await fetch(`http://127.0.0.1:${port}/page.js`);
    expect(page.status).toBe(200);
    expect(await running.stop()).toBe(0);
    expect(await probe(port)).toBe(1);
  });

  it('tells in one sentence what is missing where a warehouse is asked for', async () => {
    const port = await freePort();
    const running = await start(port, [...image.command, '--empty']);
    await expect.poll(() => running.log(), { timeout: 10_000 }).toMatch(/Without a warehouse: /);
    expect(await running.stop()).toBe(0);
  });
});
