/**
 * `/openapi.json` and `/docs`: both are made from the very schemas that check requests, so neither
 * can be out of date. The page is plain HTML that needs no script.
 */
import type { FastifyInstance } from 'fastify';
import {
  escaped,
  type FieldSchema,
  fieldsHtml,
  type Parameter,
  parametersHtml,
  prose,
} from './docs-fields.ts';

interface Media {
  readonly schema?: FieldSchema;
  readonly example?: unknown;
}

interface Content {
  readonly content?: { readonly 'application/json'?: Media };
}

interface OpenApiOperation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content>>;
}

interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

export const serveDocs = (app: FastifyInstance): void => {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  app.get('/docs', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(docsHtml(app.swagger() as OpenApiDocument)),
  );
  app.get('/docs.css', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(DOCS_CSS),
  );
};

const docsHtml = (document: OpenApiDocument): string => {
  const calls = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Call => ({ method: method.toUpperCase(), path, operation }),
    ),
  );
  const byTag = Map.groupBy(calls, ({ operation }) => operation.tags?.[0] ?? 'other');
  const parts = [...byTag].map(
    ([tag, own]) => `<h2>${escaped(tag)}</h2>\n${own.map(callHtml).join('\n')}`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Freshet API</title><link rel="icon" href="icon.svg" type="image/svg+xml"><link rel="stylesheet" href="docs.css"></head>
<body><main><p><a href="./">Freshet</a></p><h1>Freshet API</h1>
<p>Made from the schemas that check every request. The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<nav>${[...byTag].map(navHtml).join('')}</nav>
${parts.join('\n')}
</main></body></html>`;
};

const navHtml = ([tag, calls]: readonly [string, readonly Call[]]): string => {
  const links = calls.map(
    (call) =>
      `<li><a href="#${anchorOf(call)}"><span class="method">${call.method}</span> ${escaped(call.path)}</a></li>`,
  );
  return `<section><h2>${escaped(tag)}</h2><ul>${links.join('')}</ul></section>`;
};

const callHtml = (call: Call): string => {
  const { method, path, operation } = call;
  const { summary = '', description, parameters = [], requestBody, responses = {} } = operation;
  const body = mediaOf(requestBody);
  const done = Object.entries(responses).find(([code]) => code.startsWith('2'))?.[1];
  const answer = mediaOf(done)?.schema;
  return `<section id="${anchorOf(call)}"><h3><span class="method">${escaped(method)}</span> <code>${escaped(path)}</code></h3>
<p>${prose(summary)}.${description ? ` ${prose(description)}` : ''}</p>
${parametersHtml(parameters)}
${body ? bodyHtml(body) : ''}
${answer ? foldedHtml('Answer', fieldsHtml(answer)) : ''}</section>`;
};

const bodyHtml = ({ schema = {}, example }: Media): string => {
  const shown =
    example === undefined ? '' : `<pre>${escaped(JSON.stringify(example, undefined, 2))}</pre>`;
  const [batch] = Object.keys(schema.then?.properties ?? {});
  const asBatch = batch === undefined ? '' : ` A batch is \`{"${batch}": […]}\`.`;
  const says = prose(`${schema.description ?? ''}${asBatch}`);
  return `<h4>Body</h4><p>${says}</p>${shown}${fieldsHtml(schema)}`;
};

const foldedHtml = (heading: string, content: string): string =>
  content === '' ? '' : `<details><summary>${heading}</summary>${content}</details>`;

const mediaOf = (content: Content | undefined): Media | undefined =>
  content?.content?.['application/json'];

const anchorOf = ({ method, path }: Call): string =>
  `${method}${path}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');

const DOCS_CSS = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --accent: #08716c; }
@media (prefers-color-scheme: dark) { :root { --accent: #45c5b8; } }
main { max-width: 62rem; margin: 2rem auto; padding: 0 1rem 4rem; }
a { color: var(--accent); }
nav { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 0 1.5rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { text-decoration: none; overflow-wrap: anywhere; }
main > section { border-top: 1px solid #8884; padding: .5rem 0 1rem; overflow-x: auto; }
h2 { font-size: 1.1rem; text-transform: capitalize; margin: 1.5rem 0 .4rem; }
h3 { font-size: 1rem; overflow-wrap: anywhere; }
h4 { margin: .8rem 0 .2rem; }
h4 + p { margin-top: 0; }
pre { background: #8882; padding: .6rem .8rem; border-radius: 8px; overflow-x: auto; }
summary { cursor: pointer; font-weight: 700; margin-top: .6rem; }
.method { display: inline-block; min-width: 5rem; font-weight: 700; color: var(--accent); }
table { border-collapse: collapse; font-size: .9rem; }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
@media (max-width: 600px) {
  th { display: none; }
  td { display: block; padding: 0; }
  td:first-child { padding-top: .6rem; }
}
`;
