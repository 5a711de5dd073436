/**
 * Takes the port: the one that was chosen, or where nobody chose, the next free one from the
 * default on.
 */
import type { FastifyInstance } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

const PORTS_TRIED_MAX = 20;

export const listen = async (
  app: FastifyInstance,
  options: { readonly host: string; readonly port: number; readonly mayMoveOn: boolean },
): Promise<number> => {
  const last = options.mayMoveOn ? options.port + PORTS_TRIED_MAX : options.port;
  for (let port = options.port; port <= last; port += 1) {
    try {
      await app.listen({ host: options.host, port });
      const address = app.server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }
  throw new FreshetError('port_busy', { port: options.port });
};

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
