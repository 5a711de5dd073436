/**
 * The one line of sends to a broker: a request is under way, and what comes meanwhile waits for the next,
 * which takes along all of it. So a broker under load gets few large requests, and an idle one is asked
 * at once. A partition has at most one batch in the line, as its writer waits for the answer.
 */
import type { Offset } from '../../../schemas/ids.ts';
import type { KafkaNode } from './kafka-connection.ts';
import { failureOf, failureOfCode, KafkaFailure } from './kafka-errors.ts';
import { type PartitionBatch, produceCall } from './produce-call.ts';

interface Waiting extends PartitionBatch {
  readonly resolve: (baseOffset: Offset) => void;
  readonly reject: (error: unknown) => void;
}

/** A broker takes 100 MiB by default; what is larger than this goes alone. */
const REQUEST_BYTES_MAX = 16 * 1_048_576;

export class ProduceLine {
  readonly #node: KafkaNode;
  readonly #replicationMsMax: number;
  #waiting: Waiting[] = [];
  #isSending = false;

  constructor(node: KafkaNode, replicationMsMax: number) {
    this.#node = node;
    this.#replicationMsMax = replicationMsMax;
  }

  /** Resolves with the offset of the batch's first record. */
  send(batch: PartitionBatch): Promise<Offset> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...batch, resolve, reject });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // What is handed over in the same turn of the event loop goes together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#sendOnce(this.#takeRequest());
    this.#isSending = false;
  }

  #takeRequest(): readonly Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ batch }, index) => {
      bytes += batch.length;
      return index > 0 && bytes > REQUEST_BYTES_MAX;
    });
    const count = end === -1 ? this.#waiting.length : end;
    return this.#waiting.splice(0, count);
  }

  async #sendOnce(request: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#node.send(produceCall(request, this.#replicationMsMax));
      for (const { topic, partition, resolve, reject } of request) {
        const answer = answers.find((each) => each.topic === topic && each.partition === partition);
        if (answer?.errorCode === 0) resolve(answer.baseOffset);
        else reject(answer ? failureOfCode(answer.errorCode) : unanswered());
      }
    } catch (error) {
      const failure = failureOf(error);
      for (const { reject } of request) reject(failure);
    }
  }
}

const unanswered = (): KafkaFailure =>
  new KafkaFailure('no answer for the partition', { remedy: 'reconnect', mayHaveAppended: true });
