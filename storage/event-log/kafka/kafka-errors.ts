/**
 * What can go wrong with a broker, and what helps. A failure says whether a request that was to append
 * may have done so all the same: only then may a record be there that nobody was told of.
 */
import { FreshetError } from '../../../schemas/errors.ts';

export type Remedy =
  /** Ask again. */
  | 'wait'
  /** Somebody else leads the partition by now. */
  | 'find-leader'
  /** The connection is of no more use. */
  | 'reconnect'
  /** The broker does not know this producer, or not in this place of its sequence. */
  | 'new-producer'
  /** Asking again gives the same answer. */
  | 'none';

interface CodeMeaning {
  readonly name: string;
  readonly remedy: Remedy;
  readonly mayHaveAppended?: true;
}

export const OFFSET_OUT_OF_RANGE = 1;
export const UNKNOWN_TOPIC = 3;
export const ILLEGAL_GENERATION = 22;
export const UNKNOWN_MEMBER_ID = 25;
export const REBALANCE_IN_PROGRESS = 27;
const UNKNOWN_TOPIC_ID = 100;

/** The broker's codes that may come in answer to what the adapter asks. */
const CODES: Readonly<Record<number, CodeMeaning>> = {
  [-1]: { name: 'UNKNOWN_SERVER_ERROR', remedy: 'none', mayHaveAppended: true },
  [OFFSET_OUT_OF_RANGE]: { name: 'OFFSET_OUT_OF_RANGE', remedy: 'none' },
  2: { name: 'CORRUPT_MESSAGE', remedy: 'wait' },
  [UNKNOWN_TOPIC]: { name: 'UNKNOWN_TOPIC_OR_PARTITION', remedy: 'find-leader' },
  5: { name: 'LEADER_NOT_AVAILABLE', remedy: 'find-leader' },
  6: { name: 'NOT_LEADER_OR_FOLLOWER', remedy: 'find-leader' },
  7: { name: 'REQUEST_TIMED_OUT', remedy: 'wait', mayHaveAppended: true },
  8: { name: 'BROKER_NOT_AVAILABLE', remedy: 'find-leader' },
  9: { name: 'REPLICA_NOT_AVAILABLE', remedy: 'find-leader' },
  10: { name: 'MESSAGE_TOO_LARGE', remedy: 'none' },
  13: { name: 'NETWORK_EXCEPTION', remedy: 'reconnect', mayHaveAppended: true },
  14: { name: 'COORDINATOR_LOAD_IN_PROGRESS', remedy: 'wait' },
  15: { name: 'COORDINATOR_NOT_AVAILABLE', remedy: 'wait' },
  16: { name: 'NOT_COORDINATOR', remedy: 'wait' },
  17: { name: 'INVALID_TOPIC_EXCEPTION', remedy: 'none' },
  18: { name: 'RECORD_LIST_TOO_LARGE', remedy: 'none' },
  19: { name: 'NOT_ENOUGH_REPLICAS', remedy: 'wait' },
  20: { name: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', remedy: 'wait', mayHaveAppended: true },
  [ILLEGAL_GENERATION]: { name: 'ILLEGAL_GENERATION', remedy: 'wait' },
  [UNKNOWN_MEMBER_ID]: { name: 'UNKNOWN_MEMBER_ID', remedy: 'wait' },
  [REBALANCE_IN_PROGRESS]: { name: 'REBALANCE_IN_PROGRESS', remedy: 'wait' },
  29: { name: 'TOPIC_AUTHORIZATION_FAILED', remedy: 'none' },
  31: { name: 'CLUSTER_AUTHORIZATION_FAILED', remedy: 'none' },
  41: { name: 'NOT_CONTROLLER', remedy: 'find-leader' },
  45: { name: 'OUT_OF_ORDER_SEQUENCE_NUMBER', remedy: 'new-producer' },
  46: { name: 'DUPLICATE_SEQUENCE_NUMBER', remedy: 'none', mayHaveAppended: true },
  47: { name: 'INVALID_PRODUCER_EPOCH', remedy: 'new-producer' },
  56: { name: 'KAFKA_STORAGE_ERROR', remedy: 'find-leader', mayHaveAppended: true },
  59: { name: 'UNKNOWN_PRODUCER_ID', remedy: 'new-producer' },
  72: { name: 'LISTENER_NOT_FOUND', remedy: 'wait' },
  74: { name: 'FENCED_LEADER_EPOCH', remedy: 'find-leader' },
  75: { name: 'UNKNOWN_LEADER_EPOCH', remedy: 'find-leader' },
  78: { name: 'OFFSET_NOT_AVAILABLE', remedy: 'wait' },
  87: { name: 'INVALID_RECORD', remedy: 'none' },
  89: { name: 'THROTTLING_QUOTA_EXCEEDED', remedy: 'wait' },
  [UNKNOWN_TOPIC_ID]: { name: 'UNKNOWN_TOPIC_ID', remedy: 'find-leader' },
};

export class KafkaFailure extends Error {
  readonly remedy: Remedy;
  readonly mayHaveAppended: boolean;
  readonly kafkaCode: number | undefined;

  constructor(
    problem: string,
    parts: {
      readonly remedy: Remedy;
      readonly mayHaveAppended: boolean;
      readonly kafkaCode?: number;
      readonly cause?: unknown;
    },
  ) {
    super(problem, { cause: parts.cause });
    this.name = 'KafkaFailure';
    this.remedy = parts.remedy;
    this.mayHaveAppended = parts.mayHaveAppended;
    this.kafkaCode = parts.kafkaCode;
  }
}

export const failureOfCode = (code: number, cause?: unknown): KafkaFailure => {
  const {
    name,
    remedy,
    mayHaveAppended = false,
  } = CODES[code] ?? {
    name: `error ${code}`,
    remedy: 'none',
    mayHaveAppended: true,
  };
  return new KafkaFailure(name, { remedy, mayHaveAppended, kafkaCode: code, cause });
};

/** What the client threw, or what a broken answer made of its reader. */
export const failureOf = (error: unknown): KafkaFailure | FreshetError => {
  if (error instanceof KafkaFailure || error instanceof FreshetError) return error;
  if (!(error instanceof Error)) throw error;
  const code = (error as { code?: unknown }).code;
  switch (error.name) {
    case 'KafkaJSNumberOfRetriesExceeded':
      return failureOf(error.cause);
    case 'KafkaJSAggregateError':
      return failureOf((error as unknown as { errors: readonly unknown[] }).errors[0]);
    case 'KafkaJSProtocolError':
    case 'KafkaJSCreateTopicError':
    case 'KafkaJSDeleteTopicRecordsError':
      return failureOfCode(typeof code === 'number' ? code : -1, error);
    case 'KafkaJSSASLAuthenticationError':
    case 'KafkaJSServerDoesNotSupportApiKey':
    case 'KafkaJSNonRetriableError':
    case 'KafkaJSNotImplemented':
      return new KafkaFailure(error.message, {
        remedy: 'none',
        mayHaveAppended: false,
        cause: error,
      });
    case 'KafkaJSConnectionError':
    case 'KafkaJSConnectionClosedError':
    case 'KafkaJSRequestTimeoutError':
    case 'KafkaJSLockTimeout':
    case 'KafkaJSTimeout':
    case 'RangeError':
      return new KafkaFailure(error.message, {
        remedy: 'reconnect',
        mayHaveAppended: true,
        cause: error,
      });
    default:
      throw error;
  }
};

/** A failure that outlasted every attempt, as the callers of the port know it. */
export const logError = (failure: KafkaFailure | FreshetError): FreshetError => {
  if (failure instanceof FreshetError) return failure;
  const code = failure.remedy === 'none' ? 'log_refused' : 'log_unavailable';
  return new FreshetError(code, { problem: failure.message }, { cause: failure });
};
