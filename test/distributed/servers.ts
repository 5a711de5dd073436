/** The servers that all distributed tests share; what a test kills it starts itself. */
import type { TestProject } from 'vitest/node';
import {
  type KafkaServers,
  type Listener,
  SASL_USER,
  startKafka,
} from '../services/kafka-server.ts';

export interface SharedKafka {
  readonly addresses: Readonly<Record<Exclude<Listener, 'proxied'>, readonly string[]>>;
  readonly certificate: string;
  readonly user: typeof SASL_USER;
  /** Under it lies whatever the brokers store. */
  readonly directory: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    kafka: SharedKafka;
  }
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const kafka = await startKafka({ tls: true });
  project.provide('kafka', shared(kafka));
  return () => kafka.stop();
};

const shared = (kafka: KafkaServers): SharedKafka => ({
  addresses: {
    plain: kafka.addresses('plain'),
    sasl: kafka.addresses('sasl'),
    tls: kafka.addresses('tls'),
  },
  certificate: kafka.certificate ?? '',
  user: SASL_USER,
  directory: kafka.directory,
});
