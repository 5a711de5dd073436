/** The inner classes of the client that the adapter uses, as far as it uses them. */
declare module 'kafkajs/src/broker/index.js' {
  import type Connection from 'kafkajs/src/network/connection.js';

  class Broker {
    constructor(options: {
      connectionPool: Broker.Connections;
      logger: Broker.Logger;
      authenticationTimeout: number;
      allowAutoTopicCreation: boolean;
    });
    /** What the server can do, by the number of the request. */
    versions: Broker.Versions | null;
    isConnected(): boolean;
    /** Opens the connection, asks what the server can do and says who we are. */
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    initProducerId(request: {
      transactionalId: null;
      transactionTimeout: number;
    }): Promise<{ producerId: string; producerEpoch: number }>;
    listOffsets(request: {
      replicaId: number;
      isolationLevel: number;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; timestamp: string }[];
      }[];
    }): Promise<{
      responses: readonly { partitions: readonly { partition: number; offset: string }[] }[];
    }>;
    findGroupCoordinator(request: {
      groupId: string;
      coordinatorType: number;
    }): Promise<{ coordinator: { host: string; port: number } }>;
    joinGroup(request: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      protocolType: string;
      groupProtocols: readonly { name: string; metadata: Buffer }[];
    }): Promise<{
      generationId: number;
      memberId: string;
      leaderId: string;
      members: readonly { memberId: string; memberMetadata: Buffer }[];
    }>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
    }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    deleteRecords(request: {
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; offset: string }[];
      }[];
    }): Promise<unknown>;
  }
  namespace Broker {
    type Versions = Readonly<Record<number, { minVersion: number; maxVersion: number }>>;
    interface Logger {
      namespace(name: string): Logger;
      debug(message: string, extra?: object): void;
      info(message: string, extra?: object): void;
      warn(message: string, extra?: object): void;
      error(message: string, extra?: object): void;
    }
    /** What a broker wants of whoever holds its connections. */
    interface Connections {
      readonly host: string;
      readonly port: number;
      readonly sasl: object | null;
      readonly connectionTimeout: number;
      isConnected(): boolean;
      isAuthenticated(): boolean;
      setSupportAuthenticationProtocol(isSupported: boolean): void;
      setVersions(versions: Versions): void;
      getConnection(): Promise<Connection>;
      send<Answer>(call: Connection.Call<Answer>): Promise<Answer>;
      destroy(): Promise<void>;
    }
  }
  export = Broker;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { ISocketFactory } from 'kafkajs';

  class Connection {
    constructor(options: {
      host: string;
      port: number;
      ssl: object | null;
      sasl: object | null;
      clientId: string;
      socketFactory: ISocketFactory;
      connectionTimeout: number;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      maxInFlightRequests: number | null;
      logger: Broker.Logger;
    });
    isConnected(): boolean;
    isAuthenticated(): boolean;
    setSupportAuthenticationProtocol(isSupported: boolean): void;
    setVersions(versions: Broker.Versions): void;
    connect(): Promise<unknown>;
    disconnect(): Promise<unknown>;
    send<Answer>(call: Connection.Call<Answer>): Promise<Answer>;
  }
  namespace Connection {
    interface Call<Answer> {
      readonly request: {
        readonly apiKey: number;
        readonly apiVersion: number;
        readonly apiName: string;
        /** Of what this returns, the client reads both names. */
        encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
      };
      readonly response: {
        decode(payload: Buffer): Promise<{ clientSideThrottleTime: number; answer: Answer }>;
        parse(decoded: { answer: Answer }): Promise<Answer>;
      };
      readonly requestTimeout?: number;
      readonly logResponseError: boolean;
    }
  }
  export = Connection;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    pending: readonly unknown[];
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  export = RequestQueue;
}
