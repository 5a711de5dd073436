/**
 * What the HTTP parser itself refuses, before there is a request: too large a head, one that came
 * too slowly, one that is no HTTP. It is answered in the form of every other error.
 */
import type { Socket } from 'node:net';
import { type ErrorCode, FreshetError } from '../../schemas/errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'head_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_too_slow',
};
/** There is no request to number. */
const REQUEST_ID = 'r0';

export const answerBrokenRequest = (cause: Error & { code?: string }, socket: Socket): void => {
  // The other side went away, or was being answered already.
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(cause);
    return;
  }
  const code = CODES[cause.code ?? ''] ?? 'bad_request';
  const { spec, message } = new FreshetError(code, { problem: 'Expected HTTP, got another text.' });
  const body = JSON.stringify({ error: { code, message, requestId: REQUEST_ID } });
  socket.end(
    [
      `HTTP/1.1 ${spec.status} ${code.replaceAll('_', ' ')}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
};
