/** The server's own defences, over real sockets. */
import { type AddressInfo, connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { FreshetError } from '../../schemas/errors.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { createHttpServer, type HttpServerOptions } from './server.ts';

let app: FastifyInstance;
afterEach(() => app.close());

const OPEN: HttpServerOptions = {
  basePath: '',
  trustedProxies: [],
  allowedOrigins: [],
  requestsPerSecond: 0,
  logger: silentLogger,
  monotonicMs: () => 0,
};

const serve = async (options: Partial<HttpServerOptions> = {}): Promise<string> => {
  app = await createHttpServer({ ...OPEN, ...options });
  app.get('/things/:id', async () => ({ ok: true }));
  app.put('/things/:id', async () => ({ ok: true }));
  return app.listen({ port: 0, host: '127.0.0.1' });
};

describe('a failure', () => {
  it('inside is logged, being asked to come again is not', async () => {
    const logged: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void logged.push(message) };
    app = await createHttpServer({ ...OPEN, logger });
    app.get('/busy', () => {
      throw new FreshetError('unavailable', { why: 'events come too fast' });
    });
    app.get('/broken', () => {
      throw new Error('out of luck');
    });
    expect((await app.inject('/busy')).statusCode).toBe(503);
    expect(logged).toEqual([]);
    expect((await app.inject('/broken')).statusCode).toBe(500);
    expect(logged).toEqual(['A request failed inside']);
  });
});

describe('a request', () => {
  it.each(['POST', 'DELETE', 'TRACE', 'QUERY'])(
    'by %s to a path that answers others is told which',
    async (method) => {
      await serve();
      const answer = await rawRequest(`${method} /things/a%2Fb HTTP/1.1`);
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toMatch(/^allow: GET, HEAD, PUT\r$/im);
      expect(answer).toContain('"code":"method_not_allowed"');
    },
  );

  it('to a path that nobody answers is 404 by any method', async () => {
    const url = await serve();
    expect((await fetch(`${url}/nothing`, { method: 'POST' })).status).toBe(404);
  });

  it('to a path that cannot be read is refused in the form of every error', async () => {
    await serve();
    const answer = await rawRequest('GET /things/%E0%A4%A HTTP/1.1');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im);
    expect(answer).toContain('"error":{"code":"bad_request","message":"');
  });

  it('of another site’s page is refused, on the list it is let in by name', async () => {
    const url = await serve({ allowedOrigins: ['https://shop.example'] });
    const from = async (origin: string) => fetch(`${url}/things/1`, { headers: { origin } });
    const refused = await from('https://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    expect((await from('null')).status).toBe(403);
    const allowed = await from('https://shop.example');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('of its own page’s scripts alone: no inline code, no frames, no guessed types', async () => {
    const url = await serve();
    const { headers } = await fetch(`${url}/things/1`);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('beyond the rate is 429 with the time to wait, and in time again it is answered', async () => {
    let nowMs = 0;
    const url = await serve({ requestsPerSecond: 2, monotonicMs: () => nowMs });
    const status = async () => (await fetch(`${url}/things/1`)).status;
    expect([await status(), await status(), await status(), await status()]).toEqual([
      200, 200, 200, 200,
    ]);
    const refused = await fetch(`${url}/things/1`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    nowMs = 1_000;
    expect(await status()).toBe(200);
  });
});

describe('what is no request', () => {
  it.each([
    ['a path of 20 KB', `GET /${'x'.repeat(20_000)} HTTP/1.1`, 431, 'head_too_large'],
    ['another protocol', 'EHLO mail.example', 400, 'bad_request'],
  ])('%s, is answered in the form of an error', async (_, line, status, code) => {
    await serve();
    const answer = await rawRequest(line);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(body.error).toMatchObject({ code, message: expect.stringMatching(/^Expected /) });
  });
});

describe('a thousand sockets that never finish their request', () => {
  it('do not keep a good client waiting', async () => {
    const url = await serve();
    const slow = await Promise.all(
      Array.from({ length: 1_000 }, () => openSocket('GET /things/1 HTTP/1.1\r\nX: ')),
    );
    expect((await fetch(`${url}/things/1`)).status).toBe(200);
    for (const socket of slow) socket.destroy();
  });
});

const portOf = (): number => (app.server.address() as AddressInfo).port;

const openSocket = (text: string) =>
  new Promise<ReturnType<typeof connect>>((resolve, reject) => {
    const socket = connect(portOf(), '127.0.0.1', () => {
      socket.write(text, () => resolve(socket));
    });
    socket.on('error', reject);
  });

const rawRequest = async (line: string): Promise<string> => {
  const socket = await openSocket(`${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let answer = '';
  for await (const piece of socket) answer += String(piece);
  return answer;
};
