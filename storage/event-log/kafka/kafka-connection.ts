/**
 * One connection to one broker: opened, authenticated, and never opened again. Whoever finds it broken
 * throws it away and opens another, so that nothing that a lost connection had under way comes back to
 * life on the next.
 */
import { connect, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import Broker from 'kafkajs/src/broker/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import type { Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { METADATA_API } from './metadata-call.ts';
import { type ProtocolCall, sendCall } from './protocol-call.ts';

export interface KafkaAccess {
  /** host:port of the brokers to ask first; the rest is learned from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Certificates and the like; left out, nothing is encrypted. */
  readonly tls?: ConnectionOptions;
  readonly sasl?: KafkaUser;
  readonly connectMsMax: number;
  readonly requestMsMax: number;
  readonly logger: Logger;
}

export interface KafkaUser {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export interface KafkaNode {
  readonly address: NodeAddress;
  /** The client's own requests, over the same connection. */
  readonly broker: Broker;
  send<Answer>(call: ProtocolCall<Answer>): Promise<Answer>;
  close(): Promise<void>;
}

export const openNode = async (address: NodeAddress, access: KafkaAccess): Promise<KafkaNode> => {
  const connections = new OneConnection(address, access);
  const broker = new Broker({
    connectionPool: connections,
    logger: clientLogger(access.logger),
    authenticationTimeout: access.requestMsMax,
    allowAutoTopicCreation: false,
  });
  await broker.connect();
  const newest = broker.versions?.[METADATA_API.key]?.maxVersion ?? 0;
  if (newest < METADATA_API.version) {
    await broker.disconnect();
    throw new FreshetError('log_refused', { problem: 'a broker older than Kafka 3.1' });
  }
  return {
    address,
    broker,
    send: (call) => sendCall(connections, call),
    close: () => broker.disconnect(),
  };
};

/** `host:port`, where the host may be an address in brackets. */
export const parseAddress = (text: string): NodeAddress => {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined) {
    throw new FreshetError('bad_settings', {
      problem: `Expected a broker as host:port, got ${JSON.stringify(text)}.`,
    });
  }
  return { host, port: Number(port) };
};

class OneConnection implements Broker.Connections {
  readonly host: string;
  readonly port: number;
  readonly sasl: object | null;
  readonly connectionTimeout: number;
  readonly #connection: Connection;

  constructor({ host, port }: NodeAddress, access: KafkaAccess) {
    this.host = host;
    this.port = port;
    this.sasl = access.sasl ?? null;
    this.connectionTimeout = access.connectMsMax;
    this.#connection = new Connection({
      host,
      port,
      ssl: access.tls ?? null,
      sasl: this.sasl,
      clientId: access.clientId,
      socketFactory: openSocket,
      connectionTimeout: access.connectMsMax,
      requestTimeout: access.requestMsMax,
      enforceRequestTimeout: true,
      maxInFlightRequests: null,
      logger: clientLogger(access.logger),
    });
  }

  isConnected(): boolean {
    return this.#connection.isConnected();
  }

  isAuthenticated(): boolean {
    return this.#connection.isAuthenticated();
  }

  setSupportAuthenticationProtocol(isSupported: boolean): void {
    this.#connection.setSupportAuthenticationProtocol(isSupported);
  }

  setVersions(versions: Broker.Versions): void {
    this.#connection.setVersions(versions);
  }

  /** Called once, when the broker connects. */
  async getConnection(): Promise<Connection> {
    await this.#connection.connect();
    return this.#connection;
  }

  send<Answer>(call: Connection.Call<Answer>): Promise<Answer> {
    return this.#connection.send(call);
  }

  async destroy(): Promise<void> {
    await this.#connection.disconnect();
  }
}

const KEEP_ALIVE_MS = 60_000;

const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
};

/** What troubles the client is told by whoever asked; its own words are for those who search. */
const clientLogger = (logger: Logger): Broker.Logger => {
  const say = (message: string, extra: object = {}): void =>
    logger.debug(`kafkajs: ${message}`, { ...extra });
  const client: Broker.Logger = {
    namespace: () => client,
    // Each request and answer.
    debug: () => undefined,
    info: () => undefined,
    warn: say,
    error: say,
  };
  return client;
};

/**
 * The client arms a timer after every answer, in case the broker asked to be left alone for a while, and
 * with a negative delay if it did not, which Node.js complains about. A timer is needed only while
 * requests wait, and then it is armed again until none does.
 */
const PENDING_CHECK_MS = 10;
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, PENDING_CHECK_MS);
};
