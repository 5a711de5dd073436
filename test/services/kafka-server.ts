/**
 * Real Kafka brokers for tests and benchmarks: one, or three that replicate, each a process with a
 * directory of its own on free ports of loopback. A broker can be killed and started again on what it
 * has stored.
 *
 * Every broker listens more than once: plainly; with a user and password (SASL); where asked for with
 * TLS; and on a port that it tells clients to reach through another one, where a `FaultProxy` may stand.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { installKafka, type KafkaInstallation } from './kafka-installation.ts';
import { type RunningProcess, startProcess } from './server-process.ts';

export interface KafkaOptions {
  /** One, or three with replication 3 of which two must have a record. */
  readonly brokers?: 1 | 3;
  /** Also listens with TLS under a certificate made for it. */
  readonly tls?: boolean;
  readonly heapMiB?: number;
}

export interface KafkaServers {
  readonly brokers: readonly KafkaBroker[];
  /** host:port of each broker, by how one connects. */
  addresses(listener: Listener): readonly string[];
  /** The certificate to trust, in PEM; undefined without TLS. */
  readonly certificate: string | undefined;
  /** Under it lies whatever the brokers store. */
  readonly directory: string;
  stop(): Promise<void>;
}

export type Listener = 'plain' | 'sasl' | 'tls' | 'proxied';

export interface KafkaBroker {
  readonly nodeId: number;
  readonly ports: Readonly<Record<Listener, number>>;
  /** Where clients are sent that come by the listener `proxied`. */
  readonly proxyPort: number;
  readonly pid: number;
  /** Where it keeps one partition of a topic, as it is while it is down. */
  partitionDirectory(topic: string, partition: number): string;
  log(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it on the same directory after it was killed. */
  restart(): Promise<void>;
  /** It does not answer until it is resumed, and nobody is told. */
  pause(): void;
  resume(): void;
}

/** For the listener `sasl`. */
export const SASL_USER = { username: 'freshet', password: 'only-for-tests' };

const KEYSTORE = 'broker.pem';
const DATA = 'data';
const HOST = '127.0.0.1';

export const startKafka = async (options: KafkaOptions = {}): Promise<KafkaServers> => {
  const installation = installKafka();
  const directory = mkdtempSync(join(tmpdir(), 'freshet-kafka-'));
  const certificate = options.tls ? makeCertificate(directory) : undefined;
  const seats = await seatsOf(options.brokers ?? 1);
  const clusterId = randomClusterId();
  const brokers = seats.map(
    (seat) => new Broker({ seat, seats, clusterId, directory, installation, options }),
  );
  await Promise.all(brokers.map((broker) => broker.restart()));
  return {
    brokers,
    addresses: (listener) => brokers.map(({ ports }) => `${HOST}:${ports[listener]}`),
    certificate,
    directory,
    stop: async () => {
      // The last nodes of a cluster may wait for a majority that is gone.
      await Promise.all(brokers.map((broker) => broker.kill('SIGKILL')));
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
};

interface Seat {
  readonly nodeId: number;
  readonly controllerPort: number;
  readonly proxyPort: number;
  readonly ports: Readonly<Record<Listener, number>>;
}

const seatsOf = async (count: number): Promise<readonly Seat[]> => {
  const seats: Seat[] = [];
  for (let nodeId = 1; nodeId <= count; nodeId += 1) {
    const [plain, sasl, tls, proxied, proxyPort, controllerPort] = (await freePorts(6)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    seats.push({ nodeId, controllerPort, proxyPort, ports: { plain, sasl, tls, proxied } });
  }
  return seats;
};

interface BrokerParts {
  readonly seat: Seat;
  readonly seats: readonly Seat[];
  readonly clusterId: string;
  readonly directory: string;
  readonly installation: KafkaInstallation;
  readonly options: KafkaOptions;
}

class Broker implements KafkaBroker {
  readonly nodeId: number;
  readonly ports: KafkaBroker['ports'];
  readonly proxyPort: number;
  readonly #parts: BrokerParts;
  readonly #home: string;
  #process: RunningProcess | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.nodeId = parts.seat.nodeId;
    this.ports = parts.seat.ports;
    this.proxyPort = parts.seat.proxyPort;
    this.#home = join(parts.directory, `broker-${this.nodeId}`);
    mkdirSync(this.#home);
    writeFileSync(join(this.#home, 'server.properties'), propertiesOf(parts, this.#home));
    this.#format();
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  partitionDirectory(topic: string, partition: number): string {
    return join(this.#home, DATA, `${topic}-${partition}`);
  }

  log(): string {
    return this.#process?.log() ?? '';
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    const heap = `${this.#parts.options.heapMiB ?? 256}m`;
    this.#process = await startProcess({
      name: `Kafka broker ${this.nodeId}`,
      command: 'java',
      args: [
        `-Xms${heap}`,
        `-Xmx${heap}`,
        '-XX:+UseSerialGC',
        ...this.#javaWords,
        'kafka.Kafka',
        'server.properties',
      ],
      cwd: this.#home,
      readyWhen: /Kafka Server started/,
      timeoutMs: 90_000,
    });
  }

  #format(): void {
    const { username, password } = SASL_USER;
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${username},password=${password}]`,
    ]);
    const words = ['format', '-t', this.#parts.clusterId, '-c', 'server.properties', ...scram];
    const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...this.#javaWords];
    execFileSync('java', [...quick, 'kafka.tools.StorageTool', ...words], {
      cwd: this.#home,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  get #javaWords(): readonly string[] {
    const { classPath, loggingFile } = this.#parts.installation;
    return [`-Dlog4j2.configurationFile=${loggingFile}`, '-cp', classPath];
  }
}

const propertiesOf = ({ seat, seats, directory, options }: BrokerParts, home: string): string => {
  const { ports, nodeId, controllerPort, proxyPort } = seat;
  const listeners: readonly (readonly [string, string, number, number])[] = [
    ['PLAINTEXT', 'PLAINTEXT', ports.plain, ports.plain],
    ['SASL', 'SASL_PLAINTEXT', ports.sasl, ports.sasl],
    ['PROXIED', 'PLAINTEXT', ports.proxied, proxyPort],
    ...(options.tls ? [['TLS', 'SSL', ports.tls, ports.tls] as const] : []),
  ];
  const replicas = seats.length;
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': seats
      .map((each) => `${each.nodeId}@${HOST}:${each.controllerPort}`)
      .join(','),
    listeners: [
      ...listeners.map(([name, , port]) => `${name}://${HOST}:${port}`),
      `CONTROLLER://${HOST}:${controllerPort}`,
    ].join(','),
    'advertised.listeners': listeners
      .map(([name, , , advertised]) => `${name}://${HOST}:${advertised}`)
      .join(','),
    'listener.security.protocol.map': [
      ...listeners.map(([name, protocol]) => `${name}:${protocol}`),
      'CONTROLLER:PLAINTEXT',
    ].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${SASL_USER.username}="${SASL_USER.password}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.sasl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    ...(options.tls && {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(directory, KEYSTORE),
    }),
    'log.dirs': join(home, DATA),
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': replicas === 1 ? 1 : 2,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'default.replication.factor': replicas,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 500,
    'broker.session.timeout.ms': 1_500,
    'broker.heartbeat.interval.ms': 300,
    'auto.create.topics.enable': false,
    // Cleaning that a test can wait for.
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'log.cleaner.backoff.ms': 200,
    'log.retention.check.interval.ms': 500,
    'log.initial.task.delay.ms': 500,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
};

const randomClusterId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // A base64url id must not begin with a dash: the format tool would take it for a flag.
  bytes[0]! &= 0x7f;
  return Buffer.from(bytes).toString('base64url');
};

/** A key and a certificate for loopback that signs itself; returns the certificate in PEM. */
const makeCertificate = (directory: string): string => {
  const files = ['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')];
  const subject = [
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...files], { stdio: 'ignore' });
  const certificate = readFileSync(join(directory, 'cert.pem'), 'utf8');
  const own = readFileSync(join(directory, 'key.pem'), 'utf8') + certificate;
  writeFileSync(join(directory, KEYSTORE), own);
  return certificate;
};
