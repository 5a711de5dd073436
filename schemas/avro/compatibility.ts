/**
 * Whether data written with one Avro schema can be read with another: the rules of schema resolution
 * (Avro 1.12, "Schema Resolution"), and on top of them full compatibility, which holds in both
 * directions. What it finds wrong it says with the place, so that whoever adds a version of a record
 * learns at once which field needs a default.
 *
 * Stricter than the specification in two things that cost data silently: names are compared with
 * their namespace, and a resolution that could fail on some data (a union's branch, an enum's
 * symbol) counts as failing.
 */
export type AvroSchema = string | readonly AvroSchema[] | AvroDefinition;

export interface AvroDefinition {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
  readonly fields?: readonly AvroField[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly symbols?: readonly string[];
  readonly default?: unknown;
  readonly size?: number;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly aliases?: readonly string[];
  readonly default?: unknown;
}

/** Why data of `writer` cannot be read as `reader`; empty when it can. */
export const readingProblems = (writer: AvroSchema, reader: AvroSchema): readonly string[] =>
  compare(sideOf(writer), sideOf(reader), '');

/** Why the two cannot both read each other's data; empty when they can. */
export const fullProblems = (older: AvroSchema, newer: AvroSchema): readonly string[] => [
  ...readingProblems(older, newer).map((problem) => `old data, new reader: ${problem}`),
  ...readingProblems(newer, older).map((problem) => `new data, old reader: ${problem}`),
];

type Names = ReadonlyMap<string, AvroDefinition>;

interface Side {
  readonly schema: AvroSchema;
  readonly names: Names;
}

/** The types that are read as others, by the writer's type. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

const compare = (writer: Side, reader: Side, place: string): readonly string[] => {
  const written = resolved(writer);
  const wanted = resolved(reader);
  if (Array.isArray(written.schema)) {
    return (written.schema as readonly AvroSchema[]).flatMap((branch) =>
      compare({ ...written, schema: branch }, wanted, place),
    );
  }
  if (Array.isArray(wanted.schema)) return compareWithUnion(written, wanted, place);
  const from = kindOf(written.schema);
  const to = kindOf(wanted.schema);
  if (from !== to) {
    const isPromoted = PROMOTIONS[from]?.includes(to) ?? false;
    return isPromoted ? [] : [`${at(place)}${from} cannot be read as ${to}`];
  }
  return compareAlike(written, wanted, place);
};

const compareWithUnion = (writer: Side, reader: Side, place: string): readonly string[] => {
  const branches = reader.schema as readonly AvroSchema[];
  const isReadable = branches.some(
    (branch) => compare(writer, { ...reader, schema: branch }, place).length === 0,
  );
  if (isReadable) return [];
  const kinds = branches.map((branch) => kindOf(resolved({ ...reader, schema: branch }).schema));
  return [`${at(place)}${kindOf(writer.schema)} cannot be read as one of ${kinds.join(', ')}`];
};

/** Both of the same kind, neither a union. */
const compareAlike = (writer: Side, reader: Side, place: string): readonly string[] => {
  const written = writer.schema as AvroDefinition;
  const wanted = reader.schema as AvroDefinition;
  switch (kindOf(wanted)) {
    case 'array':
      return compare(
        { ...writer, schema: written.items! },
        { ...reader, schema: wanted.items! },
        `${place}[]`,
      );
    case 'map':
      return compare(
        { ...writer, schema: written.values! },
        { ...reader, schema: wanted.values! },
        `${place}{}`,
      );
    case 'enum':
      return [...compareNames(written, wanted, place), ...compareSymbols(written, wanted, place)];
    case 'fixed':
      return [
        ...compareNames(written, wanted, place),
        ...(written.size === wanted.size
          ? []
          : [`${at(place)}fixed of ${written.size} bytes cannot be read as ${wanted.size}`]),
      ];
    case 'record':
      return [...compareNames(written, wanted, place), ...compareFields(writer, reader, place)];
    default:
      return [];
  }
};

const compareNames = (
  written: AvroDefinition,
  wanted: AvroDefinition,
  place: string,
): readonly string[] => {
  const known = [wanted.name, ...(wanted.aliases ?? [])];
  return known.includes(written.name)
    ? []
    : [`${at(place)}${written.name} cannot be read as ${wanted.name}, which has no such alias`];
};

const compareSymbols = (
  written: AvroDefinition,
  wanted: AvroDefinition,
  place: string,
): readonly string[] => {
  if (wanted.default !== undefined) return [];
  return (written.symbols ?? [])
    .filter((symbol) => !wanted.symbols?.includes(symbol))
    .map((symbol) => `${at(place)}symbol ${symbol} is unknown and there is no default`);
};

const compareFields = (writer: Side, reader: Side, place: string): readonly string[] => {
  const written = (writer.schema as AvroDefinition).fields ?? [];
  const wanted = (reader.schema as AvroDefinition).fields ?? [];
  return wanted.flatMap((field) => {
    const known = [field.name, ...(field.aliases ?? [])];
    const source = written.find(({ name }) => known.includes(name));
    const inner = place === '' ? field.name : `${place}.${field.name}`;
    if (source) {
      return compare({ ...writer, schema: source.type }, { ...reader, schema: field.type }, inner);
    }
    return field.default === undefined ? [`${inner} is not in the data and has no default`] : [];
  });
};

const at = (place: string): string => (place === '' ? '' : `${place}: `);

const kindOf = (schema: AvroSchema): string => {
  if (typeof schema === 'string') return schema;
  return Array.isArray(schema) ? 'union' : kindOf((schema as AvroDefinition).type);
};

const PRIMITIVES = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);

/** Looks names up. */
const resolved = (side: Side): Side => {
  const { schema, names } = side;
  if (typeof schema !== 'string' || PRIMITIVES.has(schema)) return side;
  const definition = names.get(schema);
  if (!definition) throw new TypeError(`Expected ${schema} to be defined in the schema.`);
  return { schema: definition, names };
};

/** The schema with every name in full and no definition wrapped in another, and its names. */
const sideOf = (schema: AvroSchema): Side => {
  const names = new Map<string, AvroDefinition>();
  return { schema: normalised(schema, '', names), names };
};

const normalised = (
  schema: AvroSchema,
  namespace: string,
  names: Map<string, AvroDefinition>,
): AvroSchema => {
  if (typeof schema === 'string') return PRIMITIVES.has(schema) ? schema : full(schema, namespace);
  if (Array.isArray(schema)) {
    return (schema as readonly AvroSchema[]).map((branch) => normalised(branch, namespace, names));
  }
  const given = schema as AvroDefinition;
  if (typeof given.type !== 'string') return normalised(given.type, namespace, names);
  if (PRIMITIVES.has(given.type)) return given.type;
  return normalisedDefinition(given, namespace, names);
};

const normalisedDefinition = (
  given: AvroDefinition,
  namespace: string,
  names: Map<string, AvroDefinition>,
): AvroDefinition => {
  const { fields, items, values, name, aliases, ...rest } = given;
  const inner = name?.includes('.')
    ? name.slice(0, name.lastIndexOf('.'))
    : (given.namespace ?? namespace);
  const definition: AvroDefinition = {
    ...rest,
    ...(name && { name: full(name, inner) }),
    ...(aliases && { aliases: aliases.map((alias) => full(alias, inner)) }),
    ...(items && { items: normalised(items, inner, names) }),
    ...(values && { values: normalised(values, inner, names) }),
    ...(fields && {
      fields: fields.map((field) => ({ ...field, type: normalised(field.type, inner, names) })),
    }),
  };
  if (definition.name) names.set(definition.name, definition);
  return definition;
};

const full = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
