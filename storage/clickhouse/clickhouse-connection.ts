/**
 * How a ClickHouse is reached, whoever runs it: the embedded engine, a server or a cluster's balancer.
 * Nothing here knows of the process behind the address. Plain data, so that it can be handed to threads
 * and processes.
 */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { FreshetError } from '../../schemas/errors.ts';

export interface ClickHouseConnection {
  /** `http://host:port`, or `https://` for TLS; without credentials. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** PEM of the authority that signed the server's certificate; the system's when left out. */
  readonly caCertificate?: string;
}

export interface ClientOptions {
  readonly database: string;
  /** How long a statement may stay silent. */
  readonly requestTimeoutMs: number;
  readonly connectionsMax: number;
}

export const connectTo = (
  { url, username, password, caCertificate }: ClickHouseConnection,
  { database, requestTimeoutMs, connectionsMax }: ClientOptions,
): ClickHouseClient => {
  checkUrl(url);
  return createClient({
    url,
    username,
    password,
    ...(caCertificate !== undefined && { tls: { ca_cert: Buffer.from(caCertificate) } }),
    database,
    request_timeout: requestTimeoutMs,
    max_open_connections: connectionsMax,
    application: 'freshet',
    // Every failure reaches the caller as an error.
    log: { level: ClickHouseLogLevel.OFF },
  });
};

/** Makes the database where it is missing; a user who may not make one can be given it ready-made. */
export const createDatabase = async (
  connection: ClickHouseConnection,
  options: ClientOptions,
): Promise<void> => {
  // A request names a database, and one that does not exist yet is refused.
  const client = connectTo(connection, { ...options, database: 'default' });
  const query_params = { database: options.database };
  try {
    const answer = await client.query({
      query: 'SELECT count() AS count FROM system.databases WHERE name = {database:String}',
      query_params,
      format: 'JSONEachRow',
    });
    const [row] = await answer.json<{ readonly count: string | number }>();
    if (Number(row?.count) > 0) return;
    await client.command({
      query: 'CREATE DATABASE IF NOT EXISTS {database:Identifier} ENGINE = Atomic',
      query_params,
    });
  } finally {
    await client.close();
  }
};

const checkUrl = (url: string): void => {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
    throw badSettings(`Expected http://host:port or https://host:port, got ${url}.`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw badSettings('Expected a ClickHouse address without credentials, got some in it.');
  }
};

const badSettings = (problem: string): FreshetError =>
  new FreshetError('bad_settings', { problem });
