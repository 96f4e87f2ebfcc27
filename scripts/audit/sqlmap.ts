import { parseArgs } from 'node:util';
import { BerthError } from '../../provisioning/errors.ts';
import { run } from '../process.ts';
import { startScratchApi } from './scratch-api.ts';

/**
 * Has sqlmap (Debian's package) try every parameter and every body of the API's document, signed in, on a database of its
 * own. Exits 1 where it finds an injection or where the API fails. `--level 1` to 5 is sqlmap's own, as is `--risk`;
 * `--only listPosts` tries one operation.
 */
const { values } = parseArgs({
  options: {
    level: { type: 'string', default: '1' },
    risk: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  schema: { examples?: unknown[]; default?: unknown; enum?: unknown[] };
}

interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { examples?: object[] }> };
}

interface Trial {
  name: string;
  argv: string[];
}

const email = 'ada@example.org';
const password = 'correct horse battery';
const FOUND = /identified the following injection point/;
const TESTED = /do not appear to be injectable/;

const api = await startScratchApi({ BCRYPT_COST: '4' }, { worker: true });
const problems: string[] = [];
try {
  const headers = await signIn();
  const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as OpenApi;
  await send('/posts', { title: 'Hello', content: 'First post' }, headers);
  // Task 1 is over before sqlmap follows it: the events of one that waits have no end.
  await send('/tasks', document.components.schemas.TaskOrder?.examples?.[0] ?? {}, headers);
  const signal = AbortSignal.timeout(30_000);
  await (await fetch(`${api.url}/tasks/1/events`, { headers, signal })).text();
  for (const { name, argv } of trialsOf(document)) {
    if (values.only !== undefined && !name.startsWith(values.only)) continue;
    const { stdout } = await run(['sqlmap', ...argv, ...always(headers.Authorization)]);
    const verdict = FOUND.test(stdout) ? 'INJECTION' : TESTED.test(stdout) ? 'nothing' : 'was not tested';
    console.log(`${name}: ${verdict}`);
    if (verdict !== 'nothing') problems.push(`${name}: ${verdict}\n${stdout.slice(-2_000)}`);
  }
  problems.push(...api.failures);
} finally {
  await api.stop();
}
if (problems.length > 0)
  throw new BerthError('command_failed', problems.join('\n'), 'mend what sqlmap has found');

function always(authorization: string): string[] {
  return [
    ...[
      '--batch',
      '--flush-session',
      '--disable-coloring',
      '--dbms=postgresql',
      '--output-dir',
      api.directory,
    ],
    ...['--level', values.level, '--risk', values.risk],
    // What the API answers to nonsense, at which sqlmap would stop.
    '--ignore-code=401,403,404,405,409,412,413,422',
    ...['--headers', `Authorization: ${authorization}`],
  ];
}

async function signIn(): Promise<{ Authorization: string }> {
  await send('/users', { email, password });
  const { access_token } = (await send('/login', { username: email, password })) as { access_token: string };
  return { Authorization: `Bearer ${access_token}` };
}

async function send(path: string, body: object, headers = {}): Promise<unknown> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } };
  return (await fetch(api.url + path, { ...init, body: JSON.stringify(body) })).json();
}

/** Of each operation that takes anything: its query and its body as they are, its path and headers marked for sqlmap. */
function trialsOf(document: OpenApi): Trial[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { operationId, parameters, requestBody }]) => {
      const of = (place: Parameter['in']) => parameters.filter((one) => one.in === place);
      const at = (mark: string) => api.url + path.replaceAll(/\{\w+\}/g, `1${mark}`);
      const schema = requestBody?.content['application/json']?.schema.$ref.split('/').at(-1) ?? '';
      const body = JSON.stringify(document.components.schemas[schema]?.examples?.[0]);
      const sending = ['--method', method.toUpperCase(), ...(body ? ['--data', body] : [])];
      const query = new URLSearchParams(of('query').map((one) => [one.name, exampleOf(one)]));
      return [
        ...(query.size > 0 ? [trial('query', [`${at('')}?${query}`, ...sending])] : []),
        ...(body ? [trial('body', [at(''), ...sending])] : []),
        ...(of('path').length > 0 ? [trial('path', [at('*'), ...sending])] : []),
        ...of('header').map(({ name }) => trial(name, [at(''), ...sending, '--header', `${name}: "1.x*"`])),
      ];

      function trial(part: string, [url, ...rest]: string[]): Trial {
        return { name: `${operationId}, ${part}`, argv: ['--url', url as string, ...rest] };
      }
    }),
  );
}

function exampleOf({ schema }: Parameter): string {
  return String(schema.examples?.[0] ?? schema.default ?? schema.enum?.[0] ?? '1');
}
