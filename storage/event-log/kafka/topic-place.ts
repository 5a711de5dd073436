/** A topic of ours as the brokers know it. */
import type { TopicInfo } from '../event-log.ts';

export interface KafkaTopic {
  readonly info: TopicInfo;
  /** Its name on the cluster, where several sites may live. */
  readonly kafkaName: string;
}

/** One of its partitions. */
export interface Place extends KafkaTopic {
  readonly partition: number;
}

/** What Kafka allows in a name, without the dot that separates it from the topic's. */
const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/;

export const isNamespace = (text: string): boolean => NAMESPACE.test(text);

export const kafkaNameOf = (namespace: string, topic: string): string => `${namespace}.${topic}`;
