/** Three masters of a Redis Cluster on loopback, and the moving of a slot between two of them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePorts } from './free-port.ts';
import { RedisServer } from './redis-server.ts';

const CLI = '/usr/bin/redis-cli';
const MASTERS = 3;
const SETTINGS = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' };
const MOVED_AT_ONCE = 10;

export class RedisCluster {
  readonly #servers: readonly RedisServer[];

  static async start(more: Readonly<Record<string, string>> = {}): Promise<RedisCluster> {
    const ports = await freePorts(2 * MASTERS);
    const servers = ports.slice(MASTERS).map((port, at) => {
      const settings = { ...SETTINGS, ...more, 'cluster-port': `${ports[at]}` };
      return new RedisServer(port, { settings });
    });
    const cluster = new RedisCluster(servers);
    try {
      await Promise.all(servers.map((server) => server.start()));
      const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
      const words = ['--cluster', 'create', ...addresses, '--cluster-replicas', '0'];
      await promisify(execFile)(CLI, [...words, '--cluster-yes']);
      await Promise.all(servers.map(untilSound));
      return cluster;
    } catch (cause) {
      await cluster.remove();
      throw cause;
    }
  }

  constructor(servers: readonly RedisServer[]) {
    this.#servers = servers;
  }

  get urls(): readonly string[] {
    return this.#servers.map(({ url }) => url);
  }

  get servers(): readonly RedisServer[] {
    return this.#servers;
  }

  /**
   * Hands the slot of a key to the next master, as redis-cli does it: key by key, while all goes on.
   * Then waits until all agree: a slot that moves on before that can end up with nobody, and its keys
   * are deleted. A master that has just come back takes no keys until it has heard from the others.
   */
  async moveSlotOf(key: string): Promise<void> {
    await Promise.all(this.#servers.map(untilSound));
    const nodes = this.#servers.map(({ port }) => new Redis({ host: '127.0.0.1', port }));
    try {
      const ids = await Promise.all(nodes.map(async (node) => textOf(await node.cluster('MYID'))));
      const slot = await nodes[0]!.cluster('KEYSLOT', key);
      const from = await ownerOf(nodes, slot);
      const to = (from + 1) % nodes.length;
      await nodes[to]!.cluster('SETSLOT', slot, 'IMPORTING', ids[from]!);
      await nodes[from]!.cluster('SETSLOT', slot, 'MIGRATING', ids[to]!);
      await moveKeys(nodes[from]!, slot, this.#servers[to]!.port);
      for (const at of [to, from, (to + 1) % nodes.length]) {
        await nodes[at]!.cluster('SETSLOT', slot, 'NODE', ids[to]!);
      }
      await untilAgreed(nodes, slot);
    } finally {
      for (const node of nodes) node.disconnect();
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.remove()));
  }
}

const untilSound = async ({ port }: RedisServer): Promise<void> => {
  const node = new Redis({ host: '127.0.0.1', port });
  try {
    while (!textOf(await node.cluster('INFO')).includes('cluster_state:ok'));
  } finally {
    node.disconnect();
  }
};

/** Who owns the slot, and how new each knows the word of each to be. */
const untilAgreed = async (nodes: readonly Redis[], slot: number): Promise<void> => {
  for (;;) {
    const views = await Promise.all(
      nodes.map(async (node) => {
        const known = textOf(await node.cluster('NODES'))
          .trim()
          .split('\n');
        const epochs = known.map((line) => line.split(' ')).map((words) => [words[0], words[6]]);
        return JSON.stringify([await portOfOwner(node, slot), epochs.sort()]);
      }),
    );
    if (new Set(views).size === 1) return;
  }
};

const portOfOwner = async (node: Redis, slot: number): Promise<number | undefined> => {
  const ranges = await node.cluster('SLOTS');
  return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
};

const ownerOf = async (nodes: readonly Redis[], slot: number): Promise<number> => {
  for (const [at, node] of nodes.entries()) {
    if ((await portOfOwner(node, slot)) === node.options.port) return at;
  }
  throw new Error(`Expected an owner of slot ${slot}, found none`);
};

const moveKeys = async (from: Redis, slot: number, port: number): Promise<void> => {
  for (;;) {
    const keys = (await from.cluster('GETKEYSINSLOT', slot, MOVED_AT_ONCE)) as string[];
    if (keys.length === 0) return;
    await from.call('MIGRATE', '127.0.0.1', `${port}`, '', '0', '5000', 'KEYS', ...keys);
  }
};

const textOf = (reply: unknown): string => String(reply);
