/**
 * The fields that API messages are made of, and the limits that they share. Every schema here is
 * JSON Schema: it checks requests, types TypeScript, and is what `/openapi.json` and `/docs` show.
 * No Node imports in this folder: the page uses it too.
 */
import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import type { EventId, ItemId, ListId, Offset, PartitionIndex, SessionId, UserId } from '../ids.ts';

/** The type of a message: what its schema says, never to be changed in place. */
export type Message<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

type DeepReadonly<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> };

export const API_LIMITS = {
  idLengthMax: 128,
  textLengthMax: 256,
  /** Events, impressions or items in one request. */
  batchMax: 500,
  listMax: 100,
  excludeMax: 100,
  /** A cursor of a ranked list names up to 1,000 items. */
  cursorLengthMax: 6_144,
} as const;

interface FieldOptions {
  readonly description: string;
  readonly examples?: readonly unknown[];
}

/** A request: a field that it does not name is refused. */
export const request = <Fields extends TProperties>(
  fields: Fields,
  options: Record<string, unknown> = {},
): TObject<Fields> => Type.Object(fields, { additionalProperties: false, ...options });

/**
 * Text that no control character and no half surrogate pair is part of: Unicode's classes Cc and Cs,
 * spelled out, since clients in other languages read the schemas and not all know the classes.
 */
const PRINTABLE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$';

const idSchema = (options: FieldOptions) => ({
  type: 'string',
  minLength: 1,
  maxLength: API_LIMITS.idLengthMax,
  pattern: PRINTABLE,
  ...options,
});

export const itemIdField = (description = 'The item. Any characters but control characters.') =>
  Type.Unsafe<ItemId>(idSchema({ description, examples: ['heat-1995'] }));
export const userIdField = (description = 'The person.') =>
  Type.Unsafe<UserId>(idSchema({ description, examples: ['ada'] }));
export const sessionIdField = (description = 'The anonymous session.') =>
  Type.Unsafe<SessionId>(idSchema({ description, examples: ['s-7f3a'] }));
export const eventIdField = (description: string) =>
  Type.Unsafe<EventId>(
    idSchema({ description, examples: ['0191f0a2-7c3e-7b1a-9d52-3f4e5a6b7c8d'] }),
  );
export const listIdField = (description = 'The list, as its answer named it.') =>
  Type.Unsafe<ListId>(idSchema({ description, examples: ['l-9x2k'] }));
/** An id of no kind of its own. */
export const idField = (options: FieldOptions) => Type.Unsafe<string>(idSchema(options));

/** With its id it identifies an event: two producers may use the same ids. */
export const sourceField = idField({
  description: 'Which of your producers sent it; `http` where absent.',
  examples: ['shop'],
});

/** A short text without control characters; it may be empty unless `minLength` says otherwise. */
export const textField = (
  options: FieldOptions & { readonly minLength?: number; readonly maxLength?: number },
) => Type.String({ maxLength: API_LIMITS.textLengthMax, pattern: PRINTABLE, ...options });

/** RFC 3339: what a calendar does not know, such as 30 February, is refused by `parseTime`. */
const TIME_PATTERN =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';
const TIME_EXAMPLE = '2026-01-31T18:30:00.000Z';

export const timeField = (description: string) =>
  Type.String({
    pattern: TIME_PATTERN,
    description,
    examples: [TIME_EXAMPLE],
    'x-says': 'a time such as 2026-01-31T18:30:00Z',
  });

export const numberField = (
  options: FieldOptions & { readonly minimum?: number; readonly maximum?: number },
) => Type.Number({ ...options });

export const integerField = (
  options: FieldOptions & {
    readonly minimum?: number;
    readonly maximum?: number;
    readonly default?: number;
  },
) => Type.Integer({ ...options });

export const booleanField = (description: string, options: { readonly default?: boolean } = {}) =>
  Type.Boolean({ description, ...options });

export const choiceField = <const Choices extends readonly string[]>(
  choices: Choices,
  options: FieldOptions & { readonly default?: Choices[number] },
) => Type.Unsafe<Choices[number]>({ type: 'string', enum: choices, ...options });

/** The same, or null. */
export const nullable = <Schema extends TSchema>(schema: Schema) => {
  const { type, enum: choices } = schema as { type?: unknown; enum?: readonly unknown[] };
  if (typeof type !== 'string') {
    return Type.Unsafe<Static<Schema> | null>({ anyOf: [schema, { type: 'null' }] });
  }
  const choicesOrNull = choices === undefined ? {} : { enum: [...choices, null] };
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'], ...choicesOrNull });
};

/** An object with any names and values of one sort. */
export const mapOf = <Schema extends TSchema>(
  values: Schema,
  options: FieldOptions & { readonly maxProperties?: number; readonly propertyNames?: TSchema },
) =>
  Type.Unsafe<Record<string, Static<Schema>>>({
    type: 'object',
    additionalProperties: values,
    ...options,
  });

export const offsetField = (description: string) =>
  Type.Unsafe<Offset>({ type: 'integer', minimum: 0, description, examples: [128_000] });
export const partitionField = (description: string) =>
  Type.Unsafe<PartitionIndex>({ type: 'integer', minimum: 0, description, examples: [3] });

const ONE_SUBJECT = 'one of userId and sessionId';

/** For a request that names a person or a session, and never both. */
export const EITHER_SUBJECT = {
  oneOf: [
    { required: ['userId'], 'x-says': ONE_SUBJECT },
    { required: ['sessionId'], 'x-says': ONE_SUBJECT },
  ],
} as const;

/** Where something was written; hand it to `after` to see its effect. */
export const Position = Type.Object(
  {
    partition: partitionField('Partition of the log.'),
    offset: offsetField('Offset in the partition.'),
  },
  { description: 'Where in the log the request’s records ended.' },
);
export type Position = Message<typeof Position>;

export const tookMsField = numberField({
  description: 'Milliseconds that the answer took to make.',
  minimum: 0,
  examples: [1.8],
});

export const nextCursorField = nullable(
  Type.String({
    description: 'Give it as `cursor` for the next page; null at the end.',
    examples: [null],
  }),
);
