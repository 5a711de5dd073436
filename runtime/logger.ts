/**
 * Structured logs: one JSON object a line, to standard error, so that standard output stays free
 * for what a command answers. Values whose names look like secrets never reach the log.
 */
import { pino } from 'pino';
import type { Logger } from '../schemas/environment.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = ['password', 'secret', 'token', 'authorization', 'key'];

export const createLogger = (options: { level: LogLevel; role: string }): Logger => {
  const out = pino(
    {
      level: options.level,
      base: { role: options.role },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '…' },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (message, fields) => out.debug(withPlainErrors(fields), message),
    info: (message, fields) => out.info(withPlainErrors(fields), message),
    warn: (message, fields) => out.warn(withPlainErrors(fields), message),
    error: (message, fields) => out.error(withPlainErrors(fields), message),
  };
};

/** Errors do not survive JSON by themselves: keep message, code, stack and causes. */
const withPlainErrors = (
  fields: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> => {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields ?? {})) {
    plain[name] = value instanceof Error ? plainError(value) : value;
  }
  return plain;
};

const plainError = (error: Error): Record<string, unknown> => ({
  name: error.name,
  message: error.message,
  ...('code' in error ? { code: error.code } : {}),
  stack: error.stack,
  ...(error.cause instanceof Error ? { cause: plainError(error.cause) } : {}),
});
