/** TLS in front of a server that speaks without it, as a balancer ends it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { TlsFiles } from './tls-files.ts';

const HOST = '127.0.0.1';

export const startTlsFront = async (
  { port, targetPort }: { readonly port: number; readonly targetPort: number },
  { certificate, key }: TlsFiles,
): Promise<Server> => {
  const front = createServer(
    { cert: readFileSync(certificate), key: readFileSync(key) },
    (client) => {
      const server = connect(targetPort, HOST);
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    },
  );
  front.listen(port, HOST);
  await once(front, 'listening');
  return front;
};
