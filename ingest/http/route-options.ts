/** What the routes of ingest have in common. */
import type { TSchema } from 'typebox';
import { ErrorBody } from '../../schemas/api/errors.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * For handlers that check bodies themselves, part by part: the schema of the body is for the
 * documentation alone, that of the path is checked.
 */
export const uncheckedBody = (route: {
  readonly summary: string;
  readonly tag: string;
  readonly body?: TSchema;
  readonly params?: TSchema;
  readonly answer: TSchema;
}) => ({
  schema: {
    summary: route.summary,
    tags: [route.tag],
    response: { 200: route.answer, '4xx': ErrorBody },
    ...(route.body ? { body: route.body } : {}),
    ...(route.params ? { params: route.params } : {}),
  },
});
