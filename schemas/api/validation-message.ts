/**
 * A sentence in the form of the error table for what a JSON Schema validator found wrong:
 * "Expected limit to be an integer from 1 to 100, got 0." It reads Ajv's errors, made with
 * `verbose: true`, so that the value and the schema around it are at hand; without, it says less.
 */

/** The parts of Ajv's error objects that are read. */
export interface ValidationProblem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string | undefined;
  readonly data?: unknown;
  readonly parentSchema?: unknown;
}

interface KnownSchema {
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly oneOf?: readonly KnownSchema[];
  /** What a pattern or a choice means, in words. */
  readonly 'x-says'?: string;
}

/** `context` is where the value was: body, params, querystring, headers, or a name of your own. */
export const validationMessage = (problem: ValidationProblem, context: string): string => {
  const place = placeOf(problem.instancePath, context);
  const schema = (problem.parentSchema ?? {}) as KnownSchema;
  return sentences[problem.keyword]?.(problem, place, schema) ?? fallback(problem, place);
};

type Sentence = (problem: ValidationProblem, place: string, schema: KnownSchema) => string;

const expectedValue: Sentence = ({ data, params }, place, schema) =>
  `Expected ${place} to be ${described(schema, params)}, got ${shown(data)}.`;

const sentences: Readonly<Record<string, Sentence>> = {
  type: expectedValue,
  minimum: expectedValue,
  maximum: expectedValue,
  exclusiveMinimum: expectedValue,
  exclusiveMaximum: expectedValue,
  enum: expectedValue,
  const: expectedValue,
  pattern: expectedValue,
  minLength: expectedValue,
  maxLength: ({ data }, place, schema) =>
    `Expected ${place} to be ${described(schema, {})}, got ${[...String(data ?? '')].length} characters.`,
  minItems: ({ data }, place, schema) =>
    `Expected ${place} to be ${described(schema, {})}, got ${countOf(data)}.`,
  maxItems: ({ data }, place, schema) =>
    `Expected ${place} to be ${described(schema, {})}, got ${countOf(data)}.`,
  minProperties: ({ params }, place) =>
    `Expected ${place} to have at least ${plural(params.limit, 'field')}, got fewer.`,
  maxProperties: ({ params }, place) =>
    `Expected ${place} to have at most ${plural(params.limit, 'field')}, got more.`,
  required: ({ params, instancePath }, _place, schema) => {
    if (schema['x-says'] !== undefined) return `Expected ${schema['x-says']}, got neither.`;
    const { missingProperty } = params;
    const field = joined(instancePath, missingProperty);
    return `Expected ${field} to be ${requiredInWords(schema, missingProperty)}, got none.`;
  },
  oneOf: (problem, place, schema) => {
    const says = schema.oneOf?.[0]?.['x-says'];
    if (says === undefined) return fallback(problem, place);
    if (!isObject(problem.data)) return expectedValue(problem, place, schema);
    return `Expected ${says}, got ${problem.params.passingSchemas === null ? 'neither' : 'both'}.`;
  },
  additionalProperties: ({ params, instancePath }, place, schema) => {
    const known = Object.keys(schema.properties ?? {});
    const where = instancePath === '' ? '' : ` in ${place}`;
    const fields = known.length === 0 ? 'no fields' : `only the fields ${known.join(', ')}`;
    return `Expected ${fields}${where}, got ${named(params.additionalProperty)}.`;
  },
  propertyNames: ({ params }, place) =>
    `Expected the names in ${place} to be 1 to 128 characters, got ${named(params.propertyName)}.`,
};

const fallback = ({ message, data }: ValidationProblem, place: string): string =>
  `Expected ${place} to be valid: it ${message ?? 'is not'}, got ${shown(data)}.`;

const PLACES: Readonly<Record<string, string>> = {
  body: 'the body',
  querystring: 'the query',
  params: 'the path',
  headers: 'the headers',
};

/** `/events/3/itemId` is events[3].itemId. */
const placeOf = (instancePath: string, context: string): string =>
  instancePath === '' ? (PLACES[context] ?? context) : joined(instancePath, undefined);

const joined = (instancePath: string, last: unknown): string => {
  const names = instancePath.split('/').slice(1).map(unescaped);
  if (last !== undefined) names.push(String(last));
  return names
    .map((name, at) => {
      if (/^\d+$/.test(name)) return `[${name}]`;
      return at === 0 ? named(name) : `.${named(name)}`;
    })
    .join('');
};

/** JSON Pointer's own escapes. */
const unescaped = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~');

const described = (schema: KnownSchema, params: ValidationProblem['params']): string => {
  const choices = schema.enum ?? (params.allowedValues as readonly unknown[] | undefined);
  if (choices) return choicesInWords(choices);
  if ('allowedValue' in params) return shown(params.allowedValue);
  if (schema['x-says'] !== undefined) return withNull(schema['x-says'], schema);
  const types = [
    schema.type ?? (params.type as string | readonly string[] | undefined) ?? [],
  ].flat();
  const words = types.filter((type) => type !== 'null').map((type) => typeInWords(type, schema));
  if (words.length === 0) return 'null';
  return withNull(words.join(' or '), schema);
};

const choicesInWords = (choices: readonly unknown[]): string => {
  const words = choices.map((choice) => (choice === null ? 'null' : String(choice)));
  return words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
};

const withNull = (words: string, schema: KnownSchema): string =>
  [schema.type ?? []].flat().includes('null') ? `${words} or null` : words;

const typeInWords = (type: string, schema: KnownSchema): string => {
  switch (type) {
    case 'integer':
      return `an integer${range(schema.minimum, schema.maximum)}`;
    case 'number':
      return `a number${range(schema.minimum, schema.maximum)}`;
    case 'string':
      return textInWords(schema);
    case 'boolean':
      return 'true or false';
    case 'array':
      return `an array${counted(schema.minItems, schema.maxItems, 'element')}`;
    case 'object':
      return 'an object';
    default:
      return type;
  }
};

const textInWords = ({ minLength, maxLength }: KnownSchema): string =>
  minLength === undefined && maxLength === undefined
    ? 'a text'
    : `a text${counted(minLength, maxLength, 'character')} without control characters`;

const range = (minimum: number | undefined, maximum: number | undefined): string => {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? '' : ` of at most ${maximum}`;
};

const counted = (
  minimum: number | undefined,
  maximum: number | undefined,
  what: string,
): string => {
  if (minimum !== undefined && maximum !== undefined) {
    return ` of ${minimum} to ${plural(maximum, what)}`;
  }
  if (minimum !== undefined) return ` of at least ${plural(minimum, what)}`;
  return maximum === undefined ? '' : ` of at most ${plural(maximum, what)}`;
};

const plural = (count: unknown, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

const countOf = (data: unknown): string =>
  Array.isArray(data) ? plural(data.length, 'element') : 'another number';

/** What a required field should have been, where its schema is at hand. */
const requiredInWords = (schema: KnownSchema, name: unknown): string => {
  const properties = schema.properties ?? {};
  const field = Object.hasOwn(properties, String(name))
    ? (properties[String(name)] as KnownSchema)
    : undefined;
  return field?.type === undefined ? 'given' : described(field, {});
};

const SHOWN_LENGTH_MAX = 60;

/** A value in few words: a person sent it, so it may be anything. */
const shown = (value: unknown): string => {
  if (value === undefined) return 'something else';
  if (Array.isArray(value)) return `an array of ${plural(value.length, 'element')}`;
  if (isObject(value)) return 'an object';
  return named(typeof value === 'string' ? JSON.stringify(value) : value);
};

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names and values of others, cut short and without control characters. */
const named = (value: unknown): string => {
  const text = String(value).replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd');
  const characters = [...text];
  return characters.length > SHOWN_LENGTH_MAX
    ? `${characters.slice(0, SHOWN_LENGTH_MAX).join('')}…`
    : text;
};
