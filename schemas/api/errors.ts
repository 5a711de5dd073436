/** What every refused or failed request is answered with. */
import Type from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { choiceField, type Message } from './fields.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Why one part of a batch was refused. */
export const errorFields = {
  code: choiceField(CODES, {
    description: 'What went wrong, for programs. The list of codes may grow.',
    examples: ['bad_request'],
  }),
  message: Type.String({
    description: 'What went wrong, for people.',
    examples: ['Expected limit to be an integer from 1 to 100, got 0.'],
  }),
};

export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      ...errorFields,
      details: Type.Optional(
        Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          additionalProperties: true,
          description: 'The values that the message was made of.',
        }),
      ),
      requestId: Type.String({
        description: 'To be found in the server’s log.',
        examples: ['r1f'],
      }),
    }),
  },
  { description: 'The answer to a request that was refused or failed.' },
);
export type ErrorBody = Message<typeof ErrorBody>;
