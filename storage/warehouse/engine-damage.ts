/** Asks the running engine whether it has met files that do not hold what was written to them. */
import { request } from 'node:http';
import type { ClickHouseConnection } from '../clickhouse/clickhouse-connection.ts';

/** The engine counts every error by name since its start, those of merges in the background too. */
const DAMAGE = `SELECT concat(name, ': ', last_error_message) FROM system.errors
WHERE value > 0 AND name IN (
  'CHECKSUM_DOESNT_MATCH', 'CORRUPTED_DATA', 'CANNOT_DECOMPRESS', 'UNKNOWN_CODEC',
  'BAD_DATA_PART_NAME', 'NO_FILE_IN_DATA_PART', 'UNEXPECTED_FILE_IN_DATA_PART',
  'BAD_SIZE_OF_FILE_IN_DATA_PART')
ORDER BY last_error_time LIMIT 1 FORMAT LineAsString`;

/** Undefined where there is none, or where the engine does not answer: its ping tells that. */
export const damageSeen = (
  { url, username, password }: ClickHouseConnection,
  signal: AbortSignal,
): Promise<string | undefined> =>
  new Promise((resolve) => {
    const asking = request(
      url,
      { method: 'POST', auth: `${username}:${password}`, agent: false, signal },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        answer.on('error', () => resolve(undefined));
        answer.on('end', () => {
          resolve(answer.statusCode === 200 && text !== '' ? text.trim() : undefined);
        });
      },
    );
    asking.on('error', () => resolve(undefined));
    asking.end(DAMAGE);
  });
