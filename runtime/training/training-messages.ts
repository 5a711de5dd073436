/** What the training's process and its owner say to each other. */
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';
import type {
  TrainingOrder,
  TrainingProgress,
  TrainingResult,
} from '../../training/training-run.ts';

import type { ArtifactPlace } from './artifact-place.ts';

/** The first message, and the only one but `cancel`. */
export interface TrainingTask {
  readonly order: TrainingOrder;
  readonly connection: ClickHouseConnection;
  readonly database: string;
  readonly artifactPlace: ArtifactPlace;
  readonly userPartitions: number;
  readonly threads: number;
  readonly memoryBytesMax: number;
  readonly eventsMax: number;
  /** People alike are looked for among so many; 0 where they are not. */
  readonly peopleMax: number;
  readonly logLevel: string;
}

export type ToTraining =
  | { readonly kind: 'start'; readonly task: TrainingTask }
  | { readonly kind: 'cancel' };

export type FromTraining =
  | { readonly kind: 'progress'; readonly progress: TrainingProgress }
  | {
      readonly kind: 'done';
      readonly result: TrainingResult;
      /** The most memory that it ever held. */
      readonly residentBytesMax: number;
    }
  | { readonly kind: 'failed'; readonly problem: string };
