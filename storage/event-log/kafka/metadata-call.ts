/**
 * Where a topic lives: its brokers, who leads each partition, and the ids of the cluster and of the
 * topic, which together name one incarnation of it (L10). The client asks an older version of this
 * request, which has no topic ids, and refuses the whole answer when one partition has no leader.
 */
import type { ProtocolCall } from './protocol-call.ts';
import type { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topicId: string;
  /** By partition, the node that leads it; -1 while there is none. */
  readonly leaders: readonly number[];
}

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly BrokerAddress[];
  readonly topic: TopicMetadata;
}

/** The first version with ids of topics by name came with Kafka 3.1. */
export const METADATA_API = { key: 3, version: 12, name: 'Metadata' };

const NO_TAGS = 0;
const TOPIC_ID_BYTES = 16;

export const metadataCall = (topic: string): ProtocolCall<ClusterMetadata> => ({
  api: METADATA_API,
  body: new WireWriter()
    // This version's header ends with tags, which the client does not write.
    .unsignedVarint(NO_TAGS)
    .unsignedVarint(1 + 1)
    .raw(new Uint8Array(TOPIC_ID_BYTES))
    .compactString(topic)
    .unsignedVarint(NO_TAGS)
    .int8(0)
    .int8(0)
    .unsignedVarint(NO_TAGS),
  read: readMetadata,
});

const readMetadata = (
  reader: WireReader,
): { readonly throttledMs: number; readonly answer: ClusterMetadata } => {
  reader.skipTags();
  const throttledMs = reader.int32();
  const brokers = reader.compactArray(() => readBroker(reader));
  const clusterId = reader.compactString() ?? '';
  const controllerId = reader.int32();
  const [topic] = reader.compactArray(() => readTopic(reader));
  if (topic === undefined) throw new RangeError('Expected the topic that was asked for, got none');
  return { throttledMs, answer: { clusterId, controllerId, brokers, topic } };
};

const readBroker = (reader: WireReader): BrokerAddress => {
  const nodeId = reader.int32();
  const host = reader.compactString() ?? '';
  const port = reader.int32();
  reader.compactString();
  reader.skipTags();
  return { nodeId, host, port };
};

const readTopic = (reader: WireReader): TopicMetadata => {
  const errorCode = reader.int16();
  reader.compactString();
  const topicId = reader.raw(TOPIC_ID_BYTES).toString('base64url');
  reader.int8();
  const leaders: number[] = [];
  reader.compactArray(() => {
    reader.int16();
    const index = reader.int32();
    leaders[index] = reader.int32();
    reader.int32();
    for (let list = 0; list < 3; list += 1) reader.compactArray(() => reader.int32());
    reader.skipTags();
  });
  reader.int32();
  reader.skipTags();
  return { errorCode, topicId, leaders };
};
