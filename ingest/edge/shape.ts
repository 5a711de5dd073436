/**
 * Checks requests against the schemas of the API, compiled once. What is of the wrong shape (a type,
 * an unknown or a missing field) makes the whole request wrong; what is of the right shape but says
 * something impossible is refused alone.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { validationMessage } from '../../schemas/api/validation-message.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { shownText } from './ids.ts';

const ajv = new Ajv({ strict: false, strictNumbers: true, verbose: true });

export interface Shape<Value> {
  /** Throws `bad_request` for a wrong shape, `bad_id` or `bad_value` for a wrong value. */
  check(given: unknown, where: string): Value;
}

const WRONG_SHAPE: ReadonlySet<string> = new Set([
  'type',
  'required',
  'additionalProperties',
  'maxItems',
  'minItems',
]);

export const shapeOf = <Value>(schema: TSchema): Shape<Value> => {
  const validate: ValidateFunction = ajv.compile(schema);
  return {
    check(given, where) {
      if (!validate(given)) throw problemOf(validate.errors!, where);
      return given as Value;
    },
  };
};

/** True for a failure that concerns one event of a batch and not the whole of it. */
export const isRefusal = (error: unknown): error is FreshetError =>
  error instanceof FreshetError && error.code !== 'bad_request';

const problemOf = (errors: readonly ErrorObject[], where: string): FreshetError => {
  // What no branch of a oneOf allows is said by the last error; the others speak of the branches.
  const error = errors.find(({ keyword }) => keyword === 'oneOf') ?? errors[0]!;
  const path = where + error.instancePath;
  const { parentSchema, data } = error;
  const isShape = WRONG_SHAPE.has(error.keyword) || !isObjectWhereMeant(error);
  if (!isShape && isIdSchema(parentSchema)) {
    return new FreshetError('bad_id', { field: fieldOf(path), got: shownText(String(data)) });
  }
  const problem = validationMessage({ ...error, instancePath: path }, 'body');
  return new FreshetError(isShape ? 'bad_request' : 'bad_value', { problem });
};

const isObjectWhereMeant = ({ keyword, data }: ErrorObject): boolean =>
  keyword !== 'oneOf' || (typeof data === 'object' && data !== null && !Array.isArray(data));

const isIdSchema = (schema: unknown): boolean =>
  (schema as { minLength?: number; maxLength?: number }).minLength === 1 &&
  (schema as { maxLength?: number }).maxLength === 128;

/** `/events/3/itemId` is events[3].itemId. */
const fieldOf = (path: string): string =>
  path
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
    .replace(/^(\d+)/, '[$1]');
