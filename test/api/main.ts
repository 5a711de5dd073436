/**
 * `npm run test:api`: the real program against its own /openapi.json, by schemathesis: generated
 * requests, right and wrong ones, with a fixed seed. No answer may be a 5xx, every answer must fit
 * its schema, what breaks the schema must be refused, methods that are not there must be 405.
 * Schemathesis is Python: it is installed into a virtual environment of its own, in the temporary
 * directory.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fateOf, type ServerProcess, startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';

const SCHEMATHESIS = 'schemathesis==4.32.5';
const SEED = '1';
const EXAMPLES_MAX = '20';
const SECONDS_MAX = '120';
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
];
/**
 * Too much is refused as too much. A batch with one bad element is taken without it, with its reason
 * in the answer: for those calls a 200 is right.
 */
const BATCHES = ['/v1/events', '/v1/impressions', '/v1/items', '/v1/imports/{id}/items'];
const REFUSING = [400, 404, 405, 413, 415, 422, 431];
const CONFIGURATION = [
  '[checks.negative_data_rejection]',
  `expected-statuses = ${JSON.stringify(REFUSING)}`,
  ...BATCHES.flatMap((path) => [
    '[[operations]]',
    `include-name = "POST ${path}"`,
    `checks.negative_data_rejection.expected-statuses = ${JSON.stringify([200, ...REFUSING])}`,
  ]),
  '',
].join('\n');

interface Operation {
  parameters?: readonly { readonly name: string }[];
}

interface ApiDescription {
  readonly paths: Record<string, Record<string, Operation>>;
}

const run = (command: string, words: readonly string[], directory: string): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(command, words, {
      cwd: directory,
      stdio: 'inherit',
      env: { ...process.env, PYTHONUTF8: '1' },
    });
    child.on('error', () => resolve(-1));
    child.on('exit', (code) => resolve(code ?? -1));
  });

const install = async (root: string): Promise<string> => {
  const environment = join(root, 'venv');
  const pip = join(environment, 'bin', 'pip');
  const steps: readonly (readonly [string, readonly string[]])[] = [
    ['python3', ['-m', 'venv', environment]],
    [pip, ['install', '--quiet', '--disable-pip-version-check', SCHEMATHESIS]],
  ];
  for (const [command, words] of steps) {
    const code = await run(command, words, root);
    if (code !== 0)
      throw new Error(`Expected ${command} ${words[0]} to work, it ended with ${code}`);
  }
  return join(environment, 'bin', 'schemathesis');
};

/** Something to ask for. */
const fill = async ({ url }: ServerProcess): Promise<void> => {
  const send = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`Expected ${path} to take it, got ${await answer.text()}`);
  };
  const titles = { 'heat-1995': 'Heat', '🎬': 'Amélie', constructor: 'Constructor' };
  const items = Object.entries(titles).map(([itemId, title]) => ({ itemId, title }));
  await send('/v1/items', { items });
  await send('/v1/events', { userId: 'ada', itemId: 'heat-1995', kind: 'like' });
};

/**
 * The description without what only lasts: the stream of events never ends, and `after` waits five
 * seconds for positions that nobody will write, which ends in a 504 as it should.
 */
const describedBy = async ({ url }: ServerProcess): Promise<ApiDescription> => {
  const description = (await (await fetch(`${url}/openapi.json`)).json()) as ApiDescription;
  delete description.paths['/v1/live/stream'];
  for (const operation of Object.values(description.paths).flatMap((path) => Object.values(path))) {
    if (operation.parameters) {
      operation.parameters = operation.parameters.filter(({ name }) => name !== 'after');
    }
  }
  return description;
};

const root = mkdtempSync(join(tmpdir(), 'freshet-api-'));
let server: ServerProcess | undefined;
let failure: string | undefined;
let operations = 0;
try {
  const schemathesis = await install(root);
  server = await startServer({
    dataDirectory: join(root, 'data'),
    port: await freePort(),
    flags: ['--empty', '--log-level', 'error', '--no-warehouse', '--requests-per-second', '0'],
  });
  await fill(server);
  const description = await describedBy(server);
  operations = Object.values(description.paths).flatMap(Object.keys).length;
  writeFileSync(join(root, 'openapi.json'), JSON.stringify(description));
  writeFileSync(join(root, 'schemathesis.toml'), CONFIGURATION);
  const words = [
    ...['run', 'openapi.json', '--url', server.url, '--seed', SEED],
    ...['--max-examples', EXAMPLES_MAX, '--max-time', SECONDS_MAX, '--no-shrink'],
    ...['--phases', 'examples,coverage,fuzzing', '--checks', CHECKS.join(',')],
    ...['--request-timeout', '15', '--warnings', 'off'],
  ];
  const code = await run(schemathesis, words, root);
  if (code !== 0) failure = `schemathesis ended with ${code}`;
  else if ((await server.kill('SIGTERM')) !== 0) failure = 'the server stopped badly';
} catch (error) {
  failure = String(error);
} finally {
  if (failure !== undefined && server !== undefined) failure += `\n${await fateOf(server)}`;
  await server?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
}
if (failure !== undefined) console.log(failure);
console.log(failure === undefined ? `${operations} passed, 0 failed` : '0 passed, 1 failed');
process.exitCode = failure === undefined ? 0 : 1;
