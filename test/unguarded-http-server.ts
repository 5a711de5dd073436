/** The real HTTP server without limits and guards, for tests and measurements of the routes on it. */
import type { FastifyInstance } from 'fastify';
import { createHttpServer } from '../runtime/http/server.ts';
import type { Logger } from '../schemas/environment.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';

export const unguardedHttpServer = (
  monotonicMs: () => number,
  logger: Logger = silentLogger,
): Promise<FastifyInstance> =>
  createHttpServer({
    basePath: '',
    trustedProxies: [],
    allowedOrigins: [],
    requestsPerSecond: 0,
    logger,
    monotonicMs,
  });
