/** Where releases are kept: said by one process, opened by another. */
import type { CrashPoint, Logger } from '../../schemas/environment.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import { openClickHouseArtifactStore } from '../../storage/artifact-store/clickhouse-artifact-store.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';

export type ArtifactPlace =
  | { readonly kind: 'directory'; readonly directory: string }
  | {
      readonly kind: 'clickhouse';
      readonly connection: ClickHouseConnection;
      readonly database: string;
    };

export const openArtifactPlace = async (
  place: ArtifactPlace,
  given: { readonly logger: Logger; readonly crashPoint?: CrashPoint },
): Promise<ArtifactStore> =>
  place.kind === 'directory'
    ? openDirectoryArtifactStore({ directory: place.directory, ...given })
    : openClickHouseArtifactStore({
        connection: place.connection,
        database: place.database,
        ...given,
      });
