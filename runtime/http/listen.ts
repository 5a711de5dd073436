/**
 * Takes the port: the one that was chosen, or where nobody chose, the next free one from the
 * default on. And lets go of it: requests under way are answered, whoever dawdles is cut off.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';

const PORTS_TRIED_MAX = 20;
/** Well below what a whole shutdown may take: stream and warehouse come after it. */
const LAST_REQUESTS_MS = 2_000 as DurationMs;

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
      if (!isBusy(error)) throw addressRefused(error, { ...options, port });
    }
  }
  throw new FreshetError('port_busy', { port: options.port });
};

/** Another machine's address, a name that nobody knows, a port that is for the system alone. */
const addressRefused = (
  cause: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): FreshetError => {
  const got = cause instanceof Error ? cause.message : String(cause);
  const problem = `Expected ${host} with port ${port} to be an address to listen on, got ${got}.`;
  return new FreshetError('bad_settings', { problem }, { cause });
};

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/** A client that sends half a request holds the server up no longer than the last requests may take. */
export const stopListening = async (
  app: FastifyInstance,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> => {
  const isClosed = new AbortController();
  const cutOff = clock.sleep(LAST_REQUESTS_MS, isClosed.signal).then(
    () => app.server.closeAllConnections(),
    () => undefined,
  );
  await app.close();
  isClosed.abort();
  await cutOff;
};
