/** What is made of a client that reached nobody: it says so by a mistake of its own. */
import type { Admin } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../../schemas/topics.ts';
import { DEFAULT_TOPIC_RULES } from './kafka-event-log.ts';
import { makeMissingTopics } from './topic-settings.ts';

describe('looking for topics', () => {
  it('can be tried again where the client reached no broker, and tripped over that', async () => {
    const nothing = null as unknown as { readonly topicMetadata: readonly string[] };
    const admin = { listTopics: async () => nothing.topicMetadata } as unknown as Admin;
    const topics = [
      { kafkaName: 'site.control', spec: TOPICS.control, partitionCount: 1 },
    ] as const;
    const limits = { batchRecordsMax: 1, batchBytesMax: 1, recordBytesMax: 1 };
    const making = makeMissingTopics({ admin, topics, rules: DEFAULT_TOPIC_RULES, limits }, 1_000);
    await expect(making).rejects.toMatchObject({ remedy: 'reconnect', mayHaveAppended: false });
  });
});
