/**
 * A connection to Redis, shared by the adapters that speak to it: one server or a cluster, with TLS and
 * a user of its own. Every call ends within its time; while the server is away, calls fail at once
 * instead of queueing (a caller knows better than a queue whether it still wants an answer).
 *
 * The client sends what was not answered again after a reconnect. So whatever changes something here
 * must be harmless when it arrives twice, late, or after its caller gave up.
 */
import { createHash } from 'node:crypto';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { FreshetError } from '../../schemas/errors.ts';

export interface RedisServers {
  /** `redis://host:port`, or `rediss://` for TLS: one server, or some nodes of a cluster. */
  readonly urls: readonly string[];
  readonly isCluster?: boolean;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the servers' certificates; the system's when left out. */
  readonly caCertificate?: string;
}

export interface RedisTiming {
  readonly connectTimeoutMs: number;
  /** A call that is not answered by then fails; what it asked for may still be done. */
  readonly callTimeoutMs: number;
  readonly reconnectMsMax: number;
}

export const DEFAULT_REDIS_TIMING: RedisTiming = {
  connectTimeoutMs: 5_000,
  callTimeoutMs: 5_000,
  reconnectMsMax: 1_000,
};

/** Calls that may wait for an answer at the same time; each holds its arguments in memory. */
const CALLS_MAX = 10_000;
const SCANNED_AT_ONCE = 1_000;
const REDIRECTIONS_MAX = 1_000;
const REDIRECTED_AFTER_MS = 20;

export type RedisArgument = string | number | Buffer;
/** A reply as it came: texts as bytes. */
export type RedisReply = Buffer | number | null | readonly RedisReply[];

export class RedisScript {
  readonly source: string;
  readonly sha: string;

  constructor(source: string) {
    this.source = source;
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}

/** The server did not answer in time, is not reached, or too many wait for it. */
export class RedisAway extends Error {}

export class RedisLink {
  readonly #client: Redis | Cluster;
  readonly #callTimeoutMs: number;
  #waiting = 0;

  /** Resolves once the server can be used; rejects with what is wrong when it cannot be in time. */
  static async open(servers: RedisServers, timing = DEFAULT_REDIS_TIMING): Promise<RedisLink> {
    const link = new RedisLink(servers, timing);
    try {
      await link.#untilReady(timing.connectTimeoutMs);
      return link;
    } catch (cause) {
      link.close();
      throw cause;
    }
  }

  private constructor(servers: RedisServers, timing: RedisTiming) {
    this.#client = connect(servers, timing);
    this.#callTimeoutMs = timing.callTimeoutMs;
  }

  call(command: string, ...args: readonly RedisArgument[]): Promise<RedisReply> {
    return this.#inTime(() => this.#client.callBuffer(command, [...args]));
  }

  /** By its hash; the text goes along only where a server does not know it yet. */
  run(
    { sha, source }: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<RedisReply> {
    return this.#inTime(async () => {
      try {
        return await this.#client.callBuffer('EVALSHA', [sha, keys.length, ...keys, ...args]);
      } catch (cause) {
        if (!(cause as Error).message.startsWith('NOSCRIPT')) throw cause;
        return this.#client.callBuffer('EVAL', [source, keys.length, ...keys, ...args]);
      }
    });
  }

  /** The same command to every server that holds keys. */
  callEach(command: string, ...args: readonly RedisArgument[]): Promise<readonly RedisReply[]> {
    return Promise.all(
      this.#nodes().map((node) => this.#inTime(() => node.callBuffer(command, [...args]))),
    );
  }

  /** The names of all keys that fit the pattern. */
  async scanEach(pattern: string): Promise<readonly RedisReply[]> {
    const names: RedisReply[] = [];
    for (const node of this.#nodes()) {
      let cursor = '0';
      do {
        const page = await this.#inTime(() =>
          node.callBuffer('SCAN', [cursor, 'MATCH', pattern, 'COUNT', SCANNED_AT_ONCE]),
        );
        const [next, found] = page as readonly [Buffer, readonly RedisReply[]];
        names.push(...found);
        cursor = next.toString();
      } while (cursor !== '0');
    }
    return names;
  }

  close(): void {
    this.#client.disconnect();
  }

  #nodes(): readonly Redis[] {
    return this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client];
  }

  async #inTime(send: () => Promise<unknown>): Promise<RedisReply> {
    if (this.#waiting >= CALLS_MAX) throw new RedisAway(`${CALLS_MAX} calls already wait for it`);
    this.#waiting += 1;
    // Also past its time: what was sent is held until the server answers or the client gives up.
    const answer = (async () => send())().finally(() => {
      this.#waiting -= 1;
    });
    return (await within(this.#callTimeoutMs, answer)) as RedisReply;
  }

  #untilReady(timeoutMs: number): Promise<unknown> {
    let problem = 'no answer';
    this.#client.on('error', (error: Error) => {
      problem = reasonOf(error);
    });
    const ready = new Promise<void>((resolve) => this.#client.once('ready', () => resolve()));
    return within(timeoutMs, ready, () => problem);
  }
}

const within = <Result>(
  ms: number,
  answer: Promise<Result>,
  problem = () => `no answer within ${ms} ms`,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RedisAway(problem())), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });

/** A cluster's own error names none of its reasons. */
const reasonOf = (error: Error & { lastNodeError?: Error }): string =>
  error.lastNodeError?.message ?? error.message;

const connect = (servers: RedisServers, timing: RedisTiming): Redis | Cluster => {
  if (servers.isCluster !== true) return connectToOne(servers, timing);
  const addresses = addressesOf(servers);
  return new Cluster(
    addresses.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: clientOptions(servers, timing),
      enableOfflineQueue: false,
      clusterRetryStrategy: (times) => reconnectMs(times, timing),
      slotsRefreshTimeout: timing.connectTimeoutMs,
      // While a slot changes hands its servers send one to and fro; the call's own time ends that.
      maxRedirections: REDIRECTIONS_MAX,
      retryDelayOnMoved: REDIRECTED_AFTER_MS,
      retryDelayOnTryAgain: REDIRECTED_AFTER_MS,
      // Names in certificates are those of the addresses that the servers announce.
      dnsLookup: (address, callback) => callback(null, address),
    },
  );
};

/** A connection to one of the servers, and to the next one after it is lost. */
export const connectToOne = (
  servers: RedisServers,
  timing = DEFAULT_REDIS_TIMING,
  more: RedisOptions = {},
): Redis => {
  const addresses = addressesOf(servers);
  const { host, port } = addresses[0]!;
  const client: Redis = new Redis({
    ...clientOptions(servers, timing),
    host,
    port,
    enableOfflineQueue: false,
    ...more,
    retryStrategy: (times) => {
      const next = addresses[times % addresses.length]!;
      Object.assign(client.options, { host: next.host, port: next.port });
      return reconnectMs(times, timing);
    },
  });
  // Whoever waits for it hears of it by what it waits for.
  client.on('error', () => undefined);
  return client;
};

const clientOptions = (
  { urls, username, password, caCertificate }: RedisServers,
  { connectTimeoutMs, callTimeoutMs }: RedisTiming,
): RedisOptions => ({
  ...(username !== undefined && { username }),
  ...(password !== undefined && { password }),
  ...(urls[0]?.startsWith('rediss:') && {
    tls: caCertificate === undefined ? {} : { ca: caCertificate },
  }),
  connectTimeout: connectTimeoutMs,
  // A connection on which nothing comes back is given up, and made anew.
  socketTimeout: callTimeoutMs,
  maxRetriesPerRequest: null,
  connectionName: 'freshet',
  disableClientInfo: true,
  // A former master: its name may lead to the new one by now.
  reconnectOnError: (error) => error.message.includes('READONLY'),
});

const FIRST_RECONNECT_MS = 20;

const reconnectMs = (times: number, { reconnectMsMax }: RedisTiming): number =>
  Math.min(FIRST_RECONNECT_MS * 2 ** Math.min(times - 1, 16), reconnectMsMax);

interface Address {
  readonly host: string;
  readonly port: number;
}

const REDIS_PORT = 6_379;

const addressesOf = ({ urls }: RedisServers): readonly Address[] => {
  if (urls.length === 0) throw badSettings('Expected the address of a Redis server, got none.');
  if (new Set(urls.map((url) => url.split(':', 1)[0])).size > 1) {
    throw badSettings('Expected all Redis servers with TLS or none, got both.');
  }
  return urls.map(addressOf);
};

const addressOf = (url: string): Address => {
  const parsed = URL.parse(url);
  const isRedis = parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:';
  if (parsed === null || !isRedis || parsed.hostname === '') {
    throw badSettings(`Expected redis://host:port or rediss://host:port, got ${url}.`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw badSettings('Expected a Redis address without credentials, got some in it.');
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? REDIS_PORT : Number(parsed.port),
  };
};

const badSettings = (problem: string): FreshetError =>
  new FreshetError('bad_settings', { problem });
