/**
 * Which pages may call the API from a browser: the ones served here, and an exact list. Nothing is
 * reflected that is not on it. Requests without an Origin (curl, servers) are not a browser's.
 */
import type { FastifyInstance } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const PREFLIGHT_SECONDS = '600';

export const guardOrigins = (app: FastifyInstance, allowedOrigins: readonly string[]): void => {
  const allowed = new Set(allowedOrigins);
  app.addHook('onRequest', (request, reply, done) => {
    const origin = request.headers.origin;
    if (origin === undefined || isOwnOrigin(origin, request.headers.host)) return done();
    if (!allowed.has(origin)) return done(new FreshetError('forbidden_origin', { origin }));
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    if (request.method !== 'OPTIONS') return done();
    reply
      .header('access-control-allow-methods', METHODS)
      .header('access-control-allow-headers', 'authorization, content-type')
      .header('access-control-max-age', PREFLIGHT_SECONDS)
      .code(204)
      .send();
  });
};

/** Same host and port as the request itself came to: Freshet's own page. */
export const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
  host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
