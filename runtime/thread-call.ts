/**
 * Calls between threads: a question by name, one answer or one error. Errors from the table keep
 * their code on the way.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { type ErrorCode, type ErrorDetails, FreshetError } from '../schemas/errors.ts';

interface Question {
  readonly call: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer =
  | { readonly call: number; readonly value: unknown }
  | {
      readonly call: number;
      readonly failure: {
        readonly code?: ErrorCode;
        readonly details?: ErrorDetails;
        readonly message: string;
      };
    };

export type CallHandlers = Readonly<Record<string, (argument: unknown) => unknown>>;

/** Answers calls that come through the port. */
export const serveCalls = (port: MessagePort, handlers: CallHandlers): void => {
  port.on('message', async (question: Question) => {
    port.postMessage(await answer(question, handlers));
  });
};

const answer = async (question: Question, handlers: CallHandlers): Promise<Answer> => {
  const { call, name, argument } = question;
  try {
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (!handler) throw new Error(`Expected a call that the thread serves, got ${name}`);
    return { call, value: await handler(argument) };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const known = error instanceof FreshetError ? { code: error.code, details: error.details } : {};
    return { call, failure: { message, ...known } };
  }
};

export interface ThreadCaller {
  /** What is transferred is no longer there for the caller. */
  call<Value>(
    name: string,
    argument?: unknown,
    transferred?: readonly ArrayBuffer[],
  ): Promise<Value>;
}

/** Asks a worker; when it dies, every open call fails with what killed it. */
export const callThread = (worker: Worker): ThreadCaller => {
  const calls = new OpenCalls(worker);
  worker.on('message', (message: Answer) => calls.settle(message));
  worker.on('error', (error: Error) => calls.failAll(error));
  worker.on('exit', (code) => calls.failAll(new Error(`The thread ended with code ${code}`)));
  return calls;
};

/** Asks whoever serves calls at the other end; when that closes, every open call fails. */
export const callPort = (port: MessagePort): ThreadCaller => {
  const calls = new OpenCalls(port);
  port.on('message', (message: Answer) => calls.settle(message));
  port.on('close', () => calls.failAll(new Error('The other end of the calls is closed')));
  return calls;
};

class OpenCalls implements ThreadCaller {
  readonly #open = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void }
  >();
  readonly #line: Pick<MessagePort, 'postMessage'>;
  #calls = 0;
  #death: Error | undefined;

  constructor(line: Pick<MessagePort, 'postMessage'>) {
    this.#line = line;
  }

  call<Value>(
    name: string,
    argument?: unknown,
    transferred: readonly ArrayBuffer[] = [],
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      if (this.#death) {
        reject(this.#death);
        return;
      }
      this.#calls += 1;
      const call = this.#calls;
      this.#open.set(call, { resolve: resolve as (value: unknown) => void, reject });
      this.#line.postMessage({ call, name, argument } satisfies Question, [...transferred]);
    });
  }

  settle(message: Answer): void {
    const waiting = this.#open.get(message.call);
    if (!waiting) return;
    this.#open.delete(message.call);
    if ('value' in message) waiting.resolve(message.value);
    else waiting.reject(revive(message.failure));
  }

  failAll(error: Error): void {
    this.#death ??= error;
    for (const { reject } of this.#open.values()) reject(this.#death);
    this.#open.clear();
  }
}

const revive = (failure: Extract<Answer, { failure: unknown }>['failure']): Error =>
  failure.code === undefined
    ? new Error(failure.message)
    : new FreshetError(failure.code, failure.details);
