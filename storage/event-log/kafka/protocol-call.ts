/**
 * A request of Kafka's protocol that the adapter encodes and decodes itself, in the shape in which the
 * client's connection takes it.
 */
import type Broker from 'kafkajs/src/broker/index.js';
import { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

export interface ProtocolCall<Answer> {
  readonly api: { readonly key: number; readonly version: number; readonly name: string };
  readonly body: WireWriter;
  /** Reads the answer; the time for which the broker wants to be left alone is passed on. */
  readonly read: (reader: WireReader) => { readonly throttledMs: number; readonly answer: Answer };
  readonly timeoutMs?: number;
}

export const sendCall = <Answer>(
  connections: Broker.Connections,
  { api, body, read, timeoutMs }: ProtocolCall<Answer>,
): Promise<Answer> => {
  const bytes = body.written;
  return connections.send({
    request: {
      apiKey: api.key,
      apiVersion: api.version,
      apiName: api.name,
      encode: async () => ({ buf: bytes, buffer: bytes }),
    },
    response: {
      decode: async (payload: Buffer) => {
        const { throttledMs, answer } = read(new WireReader(payload));
        return { clientSideThrottleTime: throttledMs, answer };
      },
      parse: async ({ answer }: { answer: Answer }) => answer,
    },
    ...(timeoutMs !== undefined && { requestTimeout: timeoutMs }),
    logResponseError: false,
  });
};
