/**
 * Calls between the main thread and a worker: a question by name, one answer or one error. Errors
 * from the table keep their code on the way.
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
  call<Value>(name: string, argument?: unknown): Promise<Value>;
}

/** Asks a worker; when it dies, every open call fails with what killed it. */
export const callThread = (worker: Worker): ThreadCaller => {
  const open = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void }
  >();
  let calls = 0;
  let death: Error | undefined;
  const failAll = (error: Error): void => {
    death ??= error;
    for (const { reject } of open.values()) reject(death);
    open.clear();
  };
  worker.on('message', (message: Answer) => {
    const waiting = open.get(message.call);
    if (!waiting) return;
    open.delete(message.call);
    if ('value' in message) waiting.resolve(message.value);
    else waiting.reject(revive(message.failure));
  });
  worker.on('error', (error: Error) => failAll(error));
  worker.on('exit', (code) => failAll(new Error(`The thread ended with code ${code}`)));
  return {
    call: <Value>(name: string, argument?: unknown) =>
      new Promise<Value>((resolve, reject) => {
        if (death) {
          reject(death);
          return;
        }
        calls += 1;
        open.set(calls, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ call: calls, name, argument } satisfies Question);
      }),
  };
};

const revive = (failure: Extract<Answer, { failure: unknown }>['failure']): Error =>
  failure.code === undefined
    ? new Error(failure.message)
    : new FreshetError(failure.code, failure.details);
