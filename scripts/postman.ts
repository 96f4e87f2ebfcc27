import { promisify } from 'node:util';
import { type Step, steps } from './postman-steps.ts';

/** An OpenAPI document, as far as it decides what is asked and what the answer has to be. */
export type OpenApi = { paths: Record<string, Record<string, Operation>> };

type Operation = {
  operationId: string;
  security: object[];
  responses: Record<string, { content?: object }>;
};

/** A Postman collection (v2.1): its requests in the order in which they run. */
export type Collection = { info: object; auth: object; variable: Variable[]; item: Item[] };

type Variable = { key: string; value: string };

type Item = { name: string; request: Request; response: object[]; event: object[] };

type Request = {
  method: string;
  url: { path: string[]; variable: Variable[] };
  header: Variable[];
  body?: object;
  auth?: object | null;
};

/** What the converter makes: folders of requests. */
type Folder = { item: (Item | Folder)[] };

/** Of the document's own examples, and of what is optional nothing. */
const OPTIONS = { requestParametersResolution: 'Example', enableOptionalParameters: false } as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const VARIABLES = { baseUrl: 'http://localhost:3000/api', email: '', password: 'correct horse battery' };

/**
 * The bundled API's document as a Postman collection: from signing up to deleting the account, each request with a
 * test of its status.
 */
export async function collectionOf(document: OpenApi): Promise<Collection> {
  const { info, ...folder } = await convert(document);
  const items = new Map(itemsOf(folder).map((item) => [rowOf(item.request), item]));
  const operations = operationsOf(document);
  return {
    info,
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}', type: 'string' }] },
    variable: Object.entries(VARIABLES).map(([key, value]) => ({ key, value })),
    item: steps([...operations.keys()]).flatMap((step) => {
      const { row = '', operation } = operations.get(step.operation) ?? {};
      const item = items.get(row);
      return item && operation ? filled(item, operation, step) : [];
    }),
  };
}

/** By operationId, each with its method and path as Postman writes them: `GET /posts/:id`. */
function operationsOf({ paths }: OpenApi) {
  const found = new Map<string, { row: string; operation: Operation }>();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      // A request of a collection ends, and a stream does not do so by itself.
      if (isStream(operation)) continue;
      const row = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
      found.set(operation.operationId, { row, operation });
    }
  }
  return found;
}

function isStream({ responses }: Operation): boolean {
  return 'text/event-stream' in (responses[200]?.content ?? {});
}

function rowOf({ method, url }: Request): string {
  return `${method} /${url.path.join('/')}`;
}

function itemsOf({ item }: Folder): Item[] {
  return item.flatMap((each) => ('request' in each ? each : itemsOf(each)));
}

function filled({ request, ...item }: Item, { security, responses }: Operation, step: Step): Item {
  const { auth: _, ...bare } = request;
  const url = {
    ...request.url,
    variable: request.url.variable.map((each) => ({ ...each, value: step.id ?? each.value })),
  };
  return {
    ...item,
    request: {
      ...bare,
      url,
      ...(security.length === 0 && { auth: { type: 'noauth' } }),
      ...(step.body !== undefined && {
        header: [{ key: 'Content-Type', value: 'application/json' }],
        body: { mode: 'raw', raw: step.body, options: { raw: { language: 'json' } } },
      }),
    },
    event: [
      ...(step.before ? [script('prerequest', [step.before])] : []),
      script('test', [...statusTest(Object.keys(responses), step), ...keeping(step.keeps)]),
    ],
  };
}

/** That it succeeds, or, of a request that nobody has prepared, that the document knows the status. */
function statusTest(statuses: string[], { prepared }: Step): string[] {
  const expected = statuses
    .map(Number)
    .filter((status) => (prepared ? status >= 200 && status < 300 : status < 500));
  return [
    `pm.test('answers ${expected.join(' or ')}', () => pm.expect(pm.response.code).to.be.oneOf([${expected.join(', ')}]));`,
  ];
}

function keeping(keeps: Record<string, string> = {}): string[] {
  return Object.entries(keeps).map(
    ([variable, member]) => `pm.collectionVariables.set('${variable}', pm.response.json().${member});`,
  );
}

function script(listen: 'prerequest' | 'test', exec: string[]) {
  return { listen, script: { type: 'text/javascript', exec } };
}

async function convert(document: OpenApi): Promise<Folder & { info: object }> {
  // What the converter brings along looks for one, and Node warns whoever looks.
  Object.defineProperty(globalThis, 'localStorage', { value: undefined, configurable: true });
  const { convert } = await import('openapi-to-postmanv2');
  const input = { type: 'json', data: document } as const;
  const result = (await promisify(convert)(input, OPTIONS)) as {
    reason?: string;
    output?: { data: object }[];
  };
  if (!result.output) throw new Error(`the document is not to be converted: ${result.reason}`);
  return JSON.parse(JSON.stringify(result.output[0]?.data, withoutIds));
}

/** They would be others every time. */
function withoutIds(this: object, key: string, value: unknown) {
  return (key === 'id' || key === '_postman_id') && UUID.test(String(value)) ? undefined : value;
}
