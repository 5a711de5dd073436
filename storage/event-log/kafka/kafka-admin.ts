/** The client's own administration of topics, over a connection that is closed again at once. */
import { type Admin, Kafka, logLevel, type SASLOptions } from 'kafkajs';
import type { KafkaAccess } from './kafka-connection.ts';

export const withAdmin = async <Result>(
  { brokers, clientId, tls, sasl, connectMsMax, requestMsMax }: KafkaAccess,
  act: (admin: Admin) => Promise<Result>,
): Promise<Result> => {
  const admin = new Kafka({
    brokers: [...brokers],
    clientId,
    ...(tls && { ssl: tls }),
    ...(sasl && { sasl: sasl as SASLOptions }),
    connectionTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    retry: { retries: 2, initialRetryTime: 100 },
    logLevel: logLevel.NOTHING,
  }).admin();
  try {
    await admin.connect();
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};
