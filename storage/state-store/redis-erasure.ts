/**
 * What it takes on Redis that nothing is left of keys that were removed: their names go from what their
 * partition remembers of changes, and the servers write their files anew, which otherwise keep what was
 * once written until they have grown enough. A reader who is behind what was cut off reads the partition
 * again, as one who was away for long does.
 *
 * A rewrite copies all that a server holds into a new file, beside its work; so whoever forgets several
 * people does it once. Replicas' files are theirs.
 */
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs, Offset, StatePartition } from '../../schemas/ids.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { RedisLink, type RedisReply, RedisScript, type RedisServers } from '../redis/redis-link.ts';
import { stateFailure } from './redis-failure.ts';
import { partitionKeys, type StatePlace } from './redis-layout.ts';

export interface RemovedFrom {
  readonly partition: StatePartition;
  /** Of the record that removed something. */
  readonly offset: Offset;
}

export interface RedisErasureOptions {
  readonly servers: RedisServers;
  readonly namespace: string;
  readonly stateFormat?: number;
  readonly clock: Pick<Clock, 'sleep'>;
}

const LOOK_EVERY = 200 as DurationMs;
const RUNS_ALREADY = /already in progress|can't execute an AOF/i;

/**
 * KEYS  meta, changes
 * ARGV  offset
 *
 * Entries are in the order of the log: from, to, count, keys.
 */
const CUT_CHANGES = new RedisScript(`
local stored = redis.call('HMGET', KEYS[1], 'floor', 'kept')
local floor, kept = stored[1] or '-1', tonumber(stored[2] or '0')
while true do
  local entry = redis.call('LRANGE', KEYS[2], 0, 0)[1]
  if not entry then break end
  local from, to, count = string.match(entry, '^(%S+) (%S+) (%d+) ')
  if tonumber(from) >= tonumber(ARGV[1]) then break end
  redis.call('LPOP', KEYS[2])
  kept = kept - tonumber(count)
  if tonumber(to) > tonumber(floor) then floor = to end
end
redis.call('HSET', KEYS[1], 'floor', floor, 'kept', kept)
return floor
`);

/** Resolves once neither a server nor its files say anything of what was removed up to there. */
export const eraseRemoved = async (
  removed: readonly RemovedFrom[],
  { servers, namespace, stateFormat = STATE_FORMAT, clock }: RedisErasureOptions,
  signal: AbortSignal,
): Promise<void> => {
  const link = await RedisLink.open(servers).catch((cause: unknown) => {
    throw stateFailure(cause, namespace);
  });
  try {
    for (const place of removed) await cutChanges(link, { namespace, stateFormat }, place);
    await new FileRewriting(link, clock, signal).rewrite();
  } finally {
    link.close();
  }
};

const cutChanges = async (
  link: RedisLink,
  place: StatePlace,
  { partition, offset }: RemovedFrom,
): Promise<void> => {
  const { meta, changes } = partitionKeys(place, partition);
  await link.run(CUT_CHANGES, [meta, changes], [offset]).catch((cause: unknown) => {
    throw stateFailure(cause, partition);
  });
};

class FileRewriting {
  readonly #link: RedisLink;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #signal: AbortSignal;

  constructor(link: RedisLink, clock: Pick<Clock, 'sleep'>, signal: AbortSignal) {
    this.#link = link;
    this.#clock = clock;
    this.#signal = signal;
  }

  async rewrite(): Promise<void> {
    const persistence = await this.#untilIdle();
    if (persistence.some((of) => of('aof_enabled') === '1')) {
      await this.#anew('BGREWRITEAOF', 'aof_last_bgrewrite_status');
    }
    const hasSnapshots = (of: Persistence): boolean =>
      of('aof_enabled') === '0' || Number(of('rdb_saves') ?? 0) > 0;
    if (persistence.some(hasSnapshots)) await this.#anew('BGSAVE', 'rdb_last_bgsave_status');
  }

  /** One that began before knows nothing of what was removed since: it is waited for, and another begun. */
  async #anew(command: string, status: string): Promise<void> {
    while (!(await this.#begin(command))) await this.#untilIdle();
    const failed = (await this.#untilIdle()).some((of) => of(status) !== 'ok');
    if (failed) throw unavailable(`a Redis server could not do ${command}`);
  }

  async #begin(command: string): Promise<boolean> {
    try {
      await this.#link.callEach(command);
      return true;
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      if (RUNS_ALREADY.test(problem)) return false;
      throw unavailable(`Redis must write its files anew, and ${command} was answered: ${problem}`);
    }
  }

  async #untilIdle(): Promise<readonly Persistence[]> {
    for (;;) {
      const answers = await this.#link.callEach('INFO', 'persistence').catch((cause: unknown) => {
        throw stateFailure(cause, 'INFO');
      });
      const persistence = answers.map(persistenceOf);
      if (!persistence.some(isAtWork)) return persistence;
      await this.#clock.sleep(LOOK_EVERY, this.#signal);
    }
  }
}

/** The value of a field of INFO. */
type Persistence = (field: string) => string | undefined;

const persistenceOf = (answer: RedisReply): Persistence => {
  const fields = new Map(
    (answer as Buffer)
      .toString()
      .split(/\r?\n/)
      .map((line) => line.split(':', 2) as [string, string]),
  );
  return (field) => fields.get(field);
};

const AT_WORK = ['aof_rewrite_in_progress', 'aof_rewrite_scheduled', 'rdb_bgsave_in_progress'];

const isAtWork = (of: Persistence): boolean => AT_WORK.some((field) => of(field) === '1');

const unavailable = (why: string): FreshetError => new FreshetError('unavailable', { why });
