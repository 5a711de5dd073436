/**
 * `/openapi.json` and `/docs`: both are made from the very schemas that check requests, so neither
 * can be out of date. The page is plain HTML that needs no script.
 */
import type { FastifyInstance } from 'fastify';

interface OpenApiOperation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: { readonly type?: string };
  }[];
}

interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
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
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationHtml(method, path, operation)),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Freshet API</title><link rel="stylesheet" href="docs.css"></head>
<body><main><h1>Freshet API</h1>
<p>Made from the schemas that check every request. The same as <a href="openapi.json">openapi.json</a>.</p>
${operations.join('\n')}
</main></body></html>`;
};

const operationHtml = (method: string, path: string, operation: OpenApiOperation): string => {
  const rows = (operation.parameters ?? []).map(
    (parameter) =>
      `<tr><td><code>${escaped(parameter.name)}</code></td><td>${escaped(parameter.in)}</td>` +
      `<td>${escaped(parameter.schema?.type ?? '')}${parameter.required ? ', required' : ''}</td>` +
      `<td>${escaped(parameter.description ?? '')}</td></tr>`,
  );
  return `<section><h2><span class="method">${escaped(method.toUpperCase())}</span> <code>${escaped(path)}</code></h2>
<p>${escaped(operation.summary ?? '')}</p><p>${escaped(operation.description ?? '')}</p>
${rows.length > 0 ? `<table><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>${rows.join('')}</table>` : ''}</section>`;
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const DOCS_CSS = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8884; padding: .5rem 0; }
h2 { font-size: 1rem; }
.method { display: inline-block; min-width: 4rem; font-weight: 700; color: #0a7d72; }
table { border-collapse: collapse; font-size: .9rem; }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
`;
