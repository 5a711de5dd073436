/**
 * The data directory of the embedded engine: its configuration, its log, and what is done with it
 * when it no longer opens. The engine's own files lie in the directory itself, ours in `engine/`.
 *
 * The engine's command line runs as the user `default`, without a password, from the loopback
 * address: it cannot be told apart from anybody else on this machine. So that user may do nothing
 * but start the listener and wait, and requests without our credentials find no handler at all.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMs } from '../../schemas/ids.ts';

export interface EngineConfiguration {
  readonly directory: string;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly threads: number;
  readonly memoryBytes: number;
}

/** Lets the engine's own logs of queries, kept in its `system` database, survive restarts. */
const SYSTEM_DATABASE =
  "ATTACH DATABASE _ UUID '00000000-0000-4000-8000-000000000001' ENGINE = Atomic\n";

const PRIVATE_FILE = { mode: 0o600 };
const PRIVATE_DIRECTORY = { recursive: true, mode: 0o700 } as const;
const LOG_TAIL_MAX = 4096;

const ownFolder = (directory: string): string => join(directory, 'engine');
const logFile = (directory: string): string => join(ownFolder(directory), 'clickhouse.log');
export const configurationFile = (directory: string): string =>
  join(ownFolder(directory), 'config.xml');

/** Answered by this engine alone: another one may have taken the port first. */
export const ownPingPath = ({ directory, password }: EngineConfiguration): string => {
  const mark = createHash('sha256')
    .update(JSON.stringify([directory, password]))
    .digest('hex');
  return `/ping-${mark.slice(0, 16)}`;
};

/** Writes the configuration anew: settings may have changed since the last start. */
export const prepareDirectory = async (configuration: EngineConfiguration): Promise<void> => {
  const { directory } = configuration;
  await mkdir(ownFolder(directory), PRIVATE_DIRECTORY);
  await mkdir(join(directory, 'metadata'), PRIVATE_DIRECTORY);
  const systemDatabase = join(directory, 'metadata', 'system.sql');
  if (!existsSync(systemDatabase)) await writeFile(systemDatabase, SYSTEM_DATABASE, PRIVATE_FILE);
  await writeFile(logFile(directory), '', { ...PRIVATE_FILE, flag: 'a' });
  await writeFile(configurationFile(directory), serverXml(configuration), PRIVATE_FILE);
  await writeFile(join(ownFolder(directory), 'users.xml'), usersXml(configuration), PRIVATE_FILE);
};

/** Puts a directory that no longer opens out of the way, and keeps it; returns where it went. */
export const setAside = async (directory: string, now: EpochMs): Promise<string> => {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace('.', '');
  const target = `${directory}.damaged-${time}`;
  await rename(directory, target);
  return target;
};

/** Undoes `setAside`: what was made in its place held nothing. */
export const putBack = async (aside: string, directory: string): Promise<void> => {
  await rm(directory, { recursive: true, force: true });
  await rename(aside, directory);
};

/** Whether the engine has ever made a table there. */
export const holdsData = (directory: string): boolean => existsSync(join(directory, 'store'));

export const logSize = async (directory: string): Promise<number> =>
  (await stat(logFile(directory))).size;

/** The end of what the engine logged since: a start that fails says why only there. */
export const logTail = async (directory: string, sinceByte: number): Promise<string> => {
  try {
    const text = await readFile(logFile(directory), 'utf8');
    return text.slice(sinceByte).slice(-LOG_TAIL_MAX).trim();
  } catch {
    // Without a log there is nothing to show; the exit code is shown beside this anyway.
    return '';
  }
};

const serverXml = (configuration: EngineConfiguration): string => {
  const { directory, username, password, memoryBytes } = configuration;
  const credentials = Buffer.from(`${username}:${password}`).toString('base64');
  return `<clickhouse>
  <logger>
    <log>${escaped(logFile(directory))}</log>
    <size>4M</size>
    <count>1</count>
  </logger>
  <timezone>UTC</timezone>
  <users_config>users.xml</users_config>
  <mlock_executable>false</mlock_executable>
  <max_server_memory_usage>${memoryBytes}</max_server_memory_usage>
  <mark_cache_size>${Math.floor(memoryBytes / 16)}</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_mark_cache_size>0</index_mark_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <http_max_uri_size>4194304</http_max_uri_size>
  <merge_tree>
    <!-- What was acknowledged survives a power loss, and so does what a merge made of it. -->
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
    <!-- Merged parts are on the disk twice until the old ones go; the new ones are flushed. -->
    <old_parts_lifetime>60</old_parts_lifetime>
    <!-- A broken part is refused, not silently left out. -->
    <max_suspicious_broken_parts>0</max_suspicious_broken_parts>
    <max_suspicious_broken_parts_bytes>0</max_suspicious_broken_parts_bytes>
  </merge_tree>
  <http_handlers>
    <rule><url>/ping</url><handler><type>ping</type></handler></rule>
    <rule><url>${ownPingPath(configuration)}</url><handler><type>ping</type></handler></rule>
    <rule>
      <headers><Authorization>Basic ${credentials}</Authorization></headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
  </http_handlers>
</clickhouse>
`;
};

const usersXml = ({ database, username, password, threads }: EngineConfiguration): string => {
  const own = `\`${database}\`.*`;
  return `<clickhouse>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT READ, WRITE ON FILE</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
    <${username}>
      <password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SHOW ON ${own}</query>
        <query>GRANT SELECT ON system.*</query>
        <query>GRANT CREATE TEMPORARY TABLE, KILL QUERY ON *.*</query>
        <query>GRANT TABLE ENGINE ON *</query>
      </grants>
    </${username}>
  </users>
  <profiles>
    <default>
      <max_threads>${threads}</max_threads>
      <!-- As a server has them; the command line has its own. -->
      <implicit_select>0</implicit_select>
      <allow_introspection_functions>0</allow_introspection_functions>
    </default>
  </profiles>
  <quotas><default/></quotas>
</clickhouse>
`;
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
