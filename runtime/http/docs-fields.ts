/** Tables of fields for `/docs`: parameters, bodies and answers, as their JSON Schemas describe them. */

export interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
  /** What a body is where it is a batch, and where it is none. */
  readonly then?: FieldSchema;
  readonly else?: FieldSchema;
}

interface Field {
  readonly name: string;
  readonly where?: string;
  readonly schema: FieldSchema;
  readonly isRequired: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: FieldSchema;
}

/** Fields within fields within fields say more than anybody reads. */
const DEPTH_MAX = 3;

export const parametersHtml = (parameters: readonly Parameter[]): string =>
  tableHtml(
    'Parameter',
    parameters.map(({ name, in: where, required = false, description, schema = {} }) => ({
      name,
      where,
      isRequired: required,
      schema: description === undefined ? schema : { description, ...schema },
    })),
  );

export const fieldsHtml = (schema: FieldSchema): string => tableHtml('Field', fieldsOf(schema));

const fieldsOf = (schema: FieldSchema, prefix = '', depth = 1): readonly Field[] => {
  const { properties = {}, required = [] } = objectIn(schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const own: Field = {
      name: `${prefix}${name}`,
      schema: property,
      isRequired: required.includes(name),
    };
    if (depth === DEPTH_MAX) return [own];
    const list = property.items;
    const within = list ? fieldsOf(list, `${own.name}[].`, depth + 1) : [];
    return [own, ...within, ...fieldsOf(property, `${own.name}.`, depth + 1)];
  });
};

/** Of several forms the first that has fields. */
const objectIn = (schema: FieldSchema): FieldSchema => {
  if (schema.properties) return schema;
  const forms = [schema.else, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return forms.find((form) => form?.properties) ?? {};
};

const tableHtml = (heading: string, fields: readonly Field[]): string => {
  if (fields.length === 0) return '';
  const rows = fields.map(
    ({ name, where, schema, isRequired }) =>
      `<tr><td><code>${escaped(name)}</code></td>` +
      `<td>${escaped([where, typeText(schema), isRequired ? 'required' : ''].filter(Boolean).join(', '))}</td>` +
      `<td>${prose(schema.description ?? '')}</td></tr>`,
  );
  return `<table><tr><th>${heading}</th><th>Type</th><th></th></tr>${rows.join('')}</table>`;
};

const typeText = (schema: FieldSchema): string => {
  const { minimum, maximum, default: usual, items, anyOf } = schema;
  if (schema.enum) return choicesText(schema.enum);
  if ('const' in schema) return String(schema.const);
  if (anyOf) return [...new Set(anyOf.map(typeText))].join(' | ');
  if (items) return `list of ${typeText(items)}`;
  const types = [schema.type ?? []].flat().map((type) => (type === 'string' ? 'text' : type));
  const range = [minimum, maximum].every((limit) => limit !== undefined)
    ? ` ${minimum} to ${maximum}`
    : '';
  return `${types.join(' | ')}${range}${usual === undefined ? '' : `, ${String(usual)} by default`}`;
};

const CHOICES_SHOWN_MAX = 12;

const choicesText = (choices: readonly unknown[]): string => {
  const rest = choices.length - CHOICES_SHOWN_MAX;
  const shown = choices.slice(0, CHOICES_SHOWN_MAX).map(String);
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(' | ');
};

/** What stands between backticks is code. */
export const prose = (text: string): string =>
  escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
