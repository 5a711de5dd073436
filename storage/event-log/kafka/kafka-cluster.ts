/**
 * The brokers as one user of them sees them: who leads which partition, and one connection to each
 * broker that was needed. What turned out wrong is forgotten and asked for again; there is no repair in
 * place. A long wait on a connection holds up what comes after it, so whoever waits long (a tail) has a
 * cluster of its own.
 */
import { FreshetError } from '../../../schemas/errors.ts';
import { type KafkaAccess, type KafkaNode, openNode, parseAddress } from './kafka-connection.ts';
import { failureOf, failureOfCode, KafkaFailure, UNKNOWN_TOPIC } from './kafka-errors.ts';
import { type ClusterMetadata, metadataCall } from './metadata-call.ts';

const GROUP_COORDINATOR = 0;

export class KafkaCluster {
  readonly #access: KafkaAccess;
  readonly #topicIds: ReadonlyMap<string, string>;
  readonly #metadata = new Map<string, Promise<ClusterMetadata>>();
  readonly #nodes = new Map<string, Promise<KafkaNode>>();
  #seed = 0;
  #isClosed = false;

  /** `topicIds` are the incarnations that are meant, as far as they are known. */
  constructor(access: KafkaAccess, topicIds: ReadonlyMap<string, string>) {
    this.#access = access;
    this.#topicIds = topicIds;
  }

  /** What the brokers say about a topic; asked once and again after something turned out wrong. */
  metadata(topic: string): Promise<ClusterMetadata> {
    const known = this.#metadata.get(topic);
    if (known) return known;
    const asked = this.#askMetadata(topic);
    this.#metadata.set(topic, asked);
    asked.catch(() => this.forget(topic));
    return asked;
  }

  /** Lets the leader of a partition do something; what it fails with says what was forgotten. */
  async onLeader<Result>(
    topic: string,
    partition: number,
    act: (leader: KafkaNode) => Promise<Result>,
  ): Promise<Result> {
    const leader = await this.#leader(topic, partition);
    try {
      return await act(leader);
    } catch (error) {
      const failure = failureOf(error);
      this.#learnFrom(failure, topic, leader);
      throw failure;
    }
  }

  async onAnyNode<Result>(act: (node: KafkaNode) => Promise<Result>): Promise<Result> {
    return this.#on(await this.#anyNode(), act);
  }

  /** Lets the broker that keeps a group do something. */
  async onCoordinator<Result>(
    groupId: string,
    act: (node: KafkaNode) => Promise<Result>,
  ): Promise<Result> {
    const { coordinator } = await this.onAnyNode(({ broker }) =>
      broker.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR }),
    );
    return this.#on(await this.#open(`${coordinator.host}:${coordinator.port}`), act);
  }

  forget(topic: string): void {
    this.#metadata.delete(topic);
  }

  /** Waits for what is under way, at most as long as a request may take. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await Promise.allSettled(this.#nodes.values());
    this.#nodes.clear();
    await Promise.allSettled(
      opened.map((each) => (each.status === 'fulfilled' ? each.value.close() : undefined)),
    );
  }

  async #on<Result>(node: KafkaNode, act: (node: KafkaNode) => Promise<Result>): Promise<Result> {
    try {
      return await act(node);
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof KafkaFailure && failure.remedy === 'reconnect') this.#drop(node);
      throw failure;
    }
  }

  async #askMetadata(topic: string): Promise<ClusterMetadata> {
    const metadata = await this.onAnyNode((node) => node.send(metadataCall(topic)));
    const { errorCode, topicId } = metadata.topic;
    if (errorCode !== 0) throw failureOfCode(errorCode);
    const expected = this.#topicIds.get(topic);
    if (expected !== undefined && expected !== topicId) {
      throw new FreshetError('log_replaced', { topic, expected, found: topicId });
    }
    return metadata;
  }

  async #leader(topic: string, partition: number): Promise<KafkaNode> {
    const { brokers, topic: described } = await this.metadata(topic);
    const leader = described.leaders[partition];
    if (leader === undefined) throw failureOfCode(UNKNOWN_TOPIC);
    const address = brokers.find(({ nodeId }) => nodeId === leader);
    if (!address) {
      this.forget(topic);
      throw new KafkaFailure('no leader now', { remedy: 'find-leader', mayHaveAppended: false });
    }
    try {
      return await this.#open(`${address.host}:${address.port}`);
    } catch (error) {
      // It may be gone, and somebody else lead by now.
      this.forget(topic);
      throw error;
    }
  }

  /** One that is connected, else the first of those known or configured that can be. */
  async #anyNode(): Promise<KafkaNode> {
    const { brokers } = this.#access;
    let failure: unknown;
    for (const address of [...this.#nodes.keys(), ...rotated(brokers, this.#seed)]) {
      try {
        return await this.#open(address);
      } catch (error) {
        this.#seed = (this.#seed + 1) % brokers.length;
        failure = error;
      }
    }
    throw failure;
  }

  #open(address: string): Promise<KafkaNode> {
    if (this.#isClosed) return Promise.reject(new FreshetError('log_closed'));
    const known = this.#nodes.get(address);
    if (known) return known;
    const opened = openNode(parseAddress(address), this.#access).catch((error) => {
      if (this.#nodes.get(address) === opened) this.#nodes.delete(address);
      throw neverSent(failureOf(error));
    });
    this.#nodes.set(address, opened);
    return opened;
  }

  #learnFrom(failure: KafkaFailure | FreshetError, topic: string, leader: KafkaNode): void {
    if (!(failure instanceof KafkaFailure)) return;
    if (failure.remedy === 'find-leader' || failure.remedy === 'reconnect') this.forget(topic);
    if (failure.remedy === 'reconnect') this.#drop(leader);
  }

  #drop(node: KafkaNode): void {
    const address = `${node.address.host}:${node.address.port}`;
    void this.#nodes.get(address)?.then(
      (current) => {
        if (current === node) this.#nodes.delete(address);
      },
      () => undefined,
    );
    // It waits for what else is under way on the connection; nobody waits for it.
    node.close().catch(() => undefined);
  }
}

/** What fails before there is a connection has not sent anything. */
const neverSent = (failure: KafkaFailure | FreshetError): KafkaFailure | FreshetError =>
  failure instanceof KafkaFailure
    ? new KafkaFailure(failure.message, {
        remedy: failure.remedy,
        mayHaveAppended: false,
        cause: failure.cause,
      })
    : failure;

const rotated = <Item>(items: readonly Item[], by: number): readonly Item[] => [
  ...items.slice(by),
  ...items.slice(0, by),
];
