/**
 * Topics that are being filled with a site that comes from elsewhere. Until it is there as a whole they
 * are held: their records do not expire, however old, and by that very setting a program that is started
 * on them too early is refused (`topic_mismatch`). Letting them go gives them the settings that they
 * would have been made with.
 */
import type { Logger } from '../../../schemas/environment.ts';
import type { TopicSpec } from '../../../schemas/topics.ts';
import { withAdmin } from './kafka-admin.ts';
import type { KafkaAccess } from './kafka-connection.ts';
import { failureOf, logError } from './kafka-errors.ts';
import {
  DEFAULT_KAFKA_EVENT_LOG_OPTIONS,
  DEFAULT_TOPIC_RULES,
  type KafkaEventLogOptions,
} from './kafka-event-log.ts';
import { kafkaNameOf } from './topic-place.ts';
import { settingsOf, type TopicRules } from './topic-settings.ts';

/** What a log is opened with to fill it. */
export const HELD_RULES = { retentionMs: -1, retentionBytes: -1 } as const;

export type SiteTopics = 'none' | 'held' | 'in use';

export interface SiteTopicsOptions {
  readonly access: Pick<KafkaAccess, 'brokers' | 'tls' | 'sasl'>;
  readonly namespace: string;
  readonly topics: KafkaEventLogOptions['topics'];
  readonly logger: Logger;
}

const TOPIC_RESOURCE = 2;
const RETENTION = 'retention.ms';

/** Whether the namespace has topics, and whether somebody began to fill them. */
export const siteTopics = (options: SiteTopicsOptions): Promise<SiteTopics> =>
  asking(options, async (admin) => {
    const there = new Set(await admin.listTopics());
    const expiring = options.topics
      .filter(({ spec }) => spec.cleanup === 'delete')
      .map(({ spec }) => kafkaNameOf(options.namespace, spec.name));
    if (!options.topics.some(({ spec }) => there.has(kafkaNameOf(options.namespace, spec.name)))) {
      return 'none';
    }
    const { resources } = await admin.describeConfigs({
      resources: expiring
        .filter((name) => there.has(name))
        .map((name) => ({ type: TOPIC_RESOURCE, name, configNames: [RETENTION] })),
      includeSynonyms: false,
    });
    const isHeld = ({ configEntries }: (typeof resources)[number]): boolean =>
      configEntries.some(
        ({ configName, configValue }) =>
          configName === RETENTION && configValue === `${HELD_RULES.retentionMs}`,
      );
    // Some of them may have been let go when somebody was killed.
    return resources.some(isHeld) ? 'held' : 'in use';
  });

/** From now on they are topics like all others. */
export const letGoTopics = (
  options: SiteTopicsOptions & { readonly rules: Partial<TopicRules> },
): Promise<void> =>
  asking(options, async (admin) => {
    const wanted = {
      rules: { ...DEFAULT_TOPIC_RULES, ...options.rules },
      limits: DEFAULT_KAFKA_EVENT_LOG_OPTIONS.limits,
    };
    await admin.alterConfigs({
      validateOnly: false,
      resources: options.topics.map(({ spec }) => ({
        type: TOPIC_RESOURCE,
        name: kafkaNameOf(options.namespace, spec.name),
        configEntries: entriesOf(spec, wanted),
      })),
    });
  });

const entriesOf = (spec: TopicSpec, wanted: Parameters<typeof settingsOf>[1]) =>
  Object.entries(settingsOf(spec, wanted)).map(([name, { value }]) => ({ name, value }));

const asking = async <Answer>(
  { access, logger }: SiteTopicsOptions,
  ask: Parameters<typeof withAdmin<Answer>>[1],
): Promise<Answer> => {
  const { clientId, connectMsMax, requestMsMax } = DEFAULT_KAFKA_EVENT_LOG_OPTIONS;
  try {
    return await withAdmin({ ...access, clientId, connectMsMax, requestMsMax, logger }, ask);
  } catch (error) {
    throw logError(failureOf(error));
  }
};
