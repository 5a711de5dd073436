/**
 * Senders who care for nothing: requests at a rate, whatever the answers, half of all events one
 * person's and half of one item. In a process of its own, with bodies that are made beforehand, so that
 * one core can ask for many times what another takes in.
 *
 *     node bench/overload-load.ts --port 8090 --rate 1500 --batch 100 --seconds 10 --connections 256
 *
 * `--rate 0` sends as fast as answers come. A request that is due while every connection waits for an
 * answer is not sent, and counted as such.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import { HttpConnection } from './http-connection.ts';
import { isAcknowledged, postOf } from './ingest-load.ts';
import { type Latency, latencyOf } from './latency.ts';

export interface OverloadResult {
  readonly seconds: number;
  readonly sent: number;
  readonly unsent: number;
  readonly admitted: number;
  readonly refused: number;
  /** Of those that were refused, without being told when to come again. */
  readonly withoutTime: number;
  /** Answers that are neither. */
  readonly failed: number;
  readonly admittedMs: Latency;
  readonly refusedMs: Latency;
  /** What sending cost the processor. */
  readonly cpuMs: number;
}

interface Options {
  readonly port: number;
  readonly rate: number;
  readonly batch: number;
  readonly seconds: number;
  readonly connections: number;
  readonly seed: number;
}

const DEFAULTS: Options = {
  port: 8090,
  rate: 0,
  batch: 100,
  seconds: 10,
  connections: 256,
  seed: 1,
};
const BODIES = 200;
const PEOPLE = 10_000;
const ITEMS = 2_000;
const REFUSED = /^HTTP\/1\.1 (?:503|429) /;
const TIME = /\r\nretry-after: \d+\r\n/i;

/** Without ids: each sending is another event. */
const bodiesOf = ({ batch, seed }: Options): readonly string[] => {
  const random = seededRandom(seed);
  const event = (at: number): string => {
    const user = at % 2 === 0 ? 0 : random.below(PEOPLE);
    const item = at % 4 < 2 ? 0 : random.below(ITEMS);
    return `{"userId":"user-${user}","itemId":"item-${item}","kind":"view"}`;
  };
  return Array.from({ length: BODIES }, () => {
    const events = Array.from({ length: batch }, (_, at) => event(at));
    return postOf(`{"events":[${events.join(',')}]}`);
  });
};

class Overload {
  readonly #options: Options;
  readonly #bodies: readonly string[];
  readonly #idle: HttpConnection[] = [];
  readonly #admittedMs: number[] = [];
  readonly #refusedMs: number[] = [];
  #sent = 0;
  #unsent = 0;
  #withoutTime = 0;
  #failed = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#bodies = bodiesOf(options);
  }

  async run(): Promise<OverloadResult> {
    const { connections, port, seconds } = this.#options;
    const open = await Promise.all(
      Array.from({ length: connections }, () => HttpConnection.open(port)),
    );
    this.#idle.push(...open);
    const begun = performance.now();
    const cpu = process.cpuUsage();
    await this.#sendUntil(begun, begun + seconds * 1_000);
    const took = (performance.now() - begun) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    while (this.#idle.length < open.length) await pause();
    for (const connection of open) connection.close();
    return {
      seconds: took,
      sent: this.#sent,
      unsent: this.#unsent,
      admitted: this.#admittedMs.length,
      refused: this.#refusedMs.length,
      withoutTime: this.#withoutTime,
      failed: this.#failed,
      admittedMs: latencyOf(this.#admittedMs),
      refusedMs: latencyOf(this.#refusedMs),
      cpuMs: (user + system) / 1_000,
    };
  }

  async #sendUntil(begunMs: number, endMs: number): Promise<void> {
    const { rate } = this.#options;
    let due = 0;
    for (let now = begunMs; now < endMs; now = performance.now()) {
      if (rate === 0) {
        while (this.#idle.length > 0) this.#send();
      } else {
        for (; due <= ((now - begunMs) / 1_000) * rate; due += 1) {
          if (this.#idle.length > 0) this.#send();
          else this.#unsent += 1;
        }
      }
      await pause();
    }
  }

  #send(): void {
    const connection = this.#idle.pop()!;
    const sentMs = performance.now();
    connection.send(this.#bodies[this.#sent % BODIES]!, (answer) => {
      this.#take(answer, performance.now() - sentMs);
      this.#idle.push(connection);
    });
    this.#sent += 1;
  }

  #take(answer: string, ms: number): void {
    if (isAcknowledged(answer)) this.#admittedMs.push(ms);
    else if (REFUSED.test(answer)) {
      this.#refusedMs.push(ms);
      if (!TIME.test(answer)) this.#withoutTime += 1;
    } else this.#failed += 1;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.keys(DEFAULTS).map((name) => [name, { type: 'string' as const }]),
  ),
});
const given = Object.fromEntries(
  Object.entries(values).map(([name, text]) => [name, Number(text)]),
);
console.log(JSON.stringify(await new Overload({ ...DEFAULTS, ...given }).run()));
