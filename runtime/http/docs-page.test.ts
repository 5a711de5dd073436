/** The API's page, made of the schemas of real calls. */
import Type from 'typebox';
import { expect, it } from 'vitest';
import { EventsAnswer, EventsRequest } from '../../schemas/api/events.ts';
import { unguardedHttpServer } from '../../test/unguarded-http-server.ts';
import { serveDocs } from './docs-page.ts';

const docsOf = async (
  route: Parameters<Awaited<ReturnType<typeof unguardedHttpServer>>['route']>[0],
) => {
  const app = await unguardedHttpServer(() => 0);
  app.route(route);
  serveDocs(app);
  const { body } = await app.inject('/docs');
  await app.close();
  return body;
};

it('tells of a call its body, field by field, with an example, and what it answers', async () => {
  const page = await docsOf({
    method: 'POST',
    url: '/v1/events',
    schema: {
      summary: 'Send interactions',
      tags: ['events'],
      body: EventsRequest,
      response: { 200: EventsAnswer },
    },
    handler: () => ({}),
  });
  expect(page).toContain('<code>itemId</code></td><td>text, required</td><td>What it was done to.');
  expect(page).toContain('<code>context.rank</code></td><td>integer 1 to 10000</td>');
  expect(page).toContain('a name from <code>GET /v1/kinds</code>');
  expect(page).toContain('&#34;kind&#34;: &#34;rating&#34;');
  expect(page).toContain('<code>refused[].index</code>');
  expect(page).toContain('A batch is <code>{&#34;events&#34;: […]}</code>.');
  expect(page).toContain('href="#post-v1-events"');
  expect(page).toContain('id="post-v1-events"');
});

it('tells of a parameter where it stands and what it is by default, and trusts no text', async () => {
  const limit = Type.Integer({
    description: '<b>How many</b>',
    minimum: 1,
    maximum: 100,
    default: 10,
  });
  const page = await docsOf({
    method: 'GET',
    url: '/v1/things/:id',
    schema: {
      summary: 'A thing',
      params: Type.Object({ id: Type.String() }),
      querystring: Type.Object({ limit: Type.Optional(limit) }),
    },
    handler: () => ({}),
  });
  expect(page).toContain('<code>id</code></td><td>path, text, required</td>');
  expect(page).toContain('<td>query, integer 1 to 100, 10 by default</td>');
  expect(page).not.toContain('<b>How');
});
