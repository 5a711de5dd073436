/** The topics that an adapter opens for the contract, without a test runner around them. */
import type { TopicSpec } from '../../schemas/topics.ts';

const topicSpec = (name: string, cleanup: 'delete' | 'compact'): TopicSpec => ({
  name,
  cleanup,
  partitionsBy: 'one',
  key: 'anything',
  records: [],
});

export const CONTRACT_TOPICS: readonly { spec: TopicSpec; partitionCount: number }[] = [
  { spec: topicSpec('contract-delete', 'delete'), partitionCount: 3 },
  { spec: topicSpec('contract-compact', 'compact'), partitionCount: 2 },
];
