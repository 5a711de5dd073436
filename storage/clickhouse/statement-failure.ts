/** What went wrong with a statement, in the words of the error table. */
import { ClickHouseError } from '@clickhouse/client';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';

/** Codes of ClickHouse that mean more than that a statement failed. */
const NOT_ENOUGH_SPACE = '243';
/** Too busy, too many parts, out of memory, shutting down: the same statement may work later. */
const PASSING = new Set(['202', '252', '241', '236', '439']);

export const failureOf = (statement: string, cause: unknown): FreshetError => {
  if (cause instanceof FreshetError) return cause;
  const problem = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof RangeError) {
    return new FreshetError(
      'statement_failed',
      { statement, engineCode: 'bad answer', problem },
      { cause },
    );
  }
  if (!(cause instanceof ClickHouseError)) {
    return new FreshetError('warehouse_unavailable', { problem, statement }, { cause });
  }
  return engineFailure(statement, cause);
};

const engineFailure = (statement: string, cause: ClickHouseError): FreshetError => {
  const { code, type, message } = cause;
  const details = {
    statement,
    engineCode: `${type ?? 'error'} (${code})`,
    problem: message.trim(),
  };
  if (code === NOT_ENOUGH_SPACE || /No space left on device/.test(message)) {
    return new FreshetError('disk_full', details, { cause });
  }
  if (PASSING.has(code)) return new FreshetError('warehouse_unavailable', details, { cause });
  return new FreshetError('statement_failed', details, { cause });
};

/** What it spoke of, a table or a database, is not there. */
export const meansMissing = (error: unknown): boolean =>
  isFreshetError(error, 'statement_failed') && /\((60|81)\)$/.test(`${error.details.engineCode}`);
