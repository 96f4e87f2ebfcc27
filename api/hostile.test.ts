import assert from 'node:assert/strict';
import { resources } from './resources/index.ts';
import type { Services } from './services.ts';
import { type Account, useApi } from './testing/api.ts';
import { Random } from './testing/random.ts';
import { rawRequest } from './testing/raw-request.ts';

const SEED = 20_260_721;
const REQUESTS = 3_000;
const AT_ONCE = 20;

const ROUTES = resources({ config: {} } as Services).map(({ method, path }) => ({ method, path }));

const SEGMENTS = [
  '1',
  '2',
  '0',
  '-1',
  '1.5',
  '1e9',
  '2147483648',
  '9007199254740993',
  '9'.repeat(400),
  '%00',
  '%',
  '%2F',
  '%FF',
  '%E0%A4%A',
  '%C0%80',
  "'--",
  'null',
  '..',
  ';',
  '%0d%0aX:%20y',
  '__proto__',
  '[]',
  '*',
];

const QUERY_KEYS = [
  'limit',
  'skip',
  'search',
  'owner_id',
  'sort',
  'after',
  '__proto__',
  'limit[]',
  'constructor',
  '',
];

const BODY_KEYS = [
  'email',
  'password',
  'current_password',
  'username',
  'title',
  'content',
  'published',
  'post_id',
  'dir',
  'refresh_token',
  'id',
  '__proto__',
  'constructor',
  'toString',
];

const JSON_VALUES = [
  'null',
  'true',
  '0',
  '1',
  '-1',
  '1.5',
  '1e400',
  '-0',
  '2147483648',
  '9007199254740993',
  '99999999999999999999999',
  '""',
  '"a"',
  '"a@example.org"',
  '"correct horse"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\uffff"',
  `"${'x'.repeat(5000)}"`,
  '"%_\\\\"',
  '[]',
  '{}',
  '[[[[1]]]]',
  '{"$gt":""}',
  '{"length":1e9}',
  '{"toString":1}',
  '["a","b"]',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
];

/** Bodies that pass, so that what comes behind the first check is met too. */
const VALID_BODIES = [
  '{"title":"t","content":"c","x":[]}',
  '{"post_id":1,"dir":1}',
  '{"post_id":2,"dir":1}',
  '{}',
];

const RAW_BODIES = [
  '',
  '{',
  '}',
  '[',
  'null',
  '"x"',
  '{"a":1,}',
  '{"a":1}{"b":2}',
  '\ufeff{}',
  'a=b&a=c&a[b]=c',
  'username=%00&password=%ff',
  'username[__proto__]=1',
  '%',
  '&&==',
  '['.repeat(90_000),
  'x'.repeat(200_000),
];

const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'application/json; charset=utf-16',
  'application/json; charset="',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/problem+json',
  '',
  ';',
  'application/json;;;',
  '\xff',
];

const HEADERS = [
  'If-Match: "1.x"',
  'If-Match: "99999999999999999999.x"',
  'If-Match: \xff"',
  'If-None-Match: *',
  `If-None-Match: ${'"a",'.repeat(1000)}`,
  'X-Request-Id: \xff\xfe',
  `X-Request-Id: ${'x'.repeat(5000)}`,
  'Content-Encoding: gzip',
  'Content-Encoding: br',
  'Content-Encoding: nonsense',
  'Expect: 100-continue',
  'Expect: the unexpected',
  'Range: bytes=0-1',
  'Origin: null',
  'Accept: \x01',
  'Cookie: a=b; a=c',
  'Upgrade: websocket',
  'X-Real-IP: \xff',
  'X-HTTP-Method-Override: DELETE',
  `X-Large: ${'x'.repeat(20_000)}`,
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: nonsense',
  'Content-Length: -1',
  'Content-Length: 99999999999999',
  'Host: [',
  'Host: a b',
];

/** A request that was never meant well, as bytes. */
function hostileRequest(random: Random, token: string): Buffer {
  const route = random.pick(ROUTES);
  const method = random.chance(0.9)
    ? route.method
    : random.pick(['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'CONNECT', 'GET', 'post', 'X']);
  const path = `/api${route.path.replace(':id', () => random.pick(random.chance(0.5) ? ['1', '2'] : SEGMENTS))}${random.chance(0.1) ? random.pick(['/', '//', '/%00', '/../..']) : ''}`;
  const query = random.chance(0.5) ? `?${hostileQuery(random)}` : '';
  const body = hostileBody(random);
  // A DELETE that succeeds would take away what the others are aimed at.
  const signed = method !== 'DELETE' && random.chance(0.8);
  const head = [
    `${method} ${path}${query} HTTP/1.1`,
    'Host: hostile',
    'Connection: close',
    `Content-Type: ${random.chance(0.7) ? 'application/json' : random.pick(TYPES)}`,
    ...(signed ? [`Authorization: Bearer ${token}`] : []),
    ...(random.chance(0.9) ? [`Content-Length: ${body.length}`] : []),
    ...(random.chance(0.3) ? [random.pick(HEADERS)] : []),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

function hostileQuery(random: Random): string {
  const pairs = Array.from(
    { length: 1 + Math.floor(random.next() * 4) },
    () => `${random.pick(QUERY_KEYS)}=${random.pick(SEGMENTS)}`,
  );
  return pairs.join(random.pick(['&', '&', '&', ';', '&&']));
}

function hostileBody(random: Random): Buffer {
  if (random.chance(0.3)) return Buffer.from(random.pick(VALID_BODIES));
  if (random.chance(0.15)) return Buffer.from(random.pick(RAW_BODIES));
  if (random.chance(0.1))
    return Buffer.from(Array.from({ length: 200 }, () => Math.floor(random.next() * 256)));
  const members = Array.from(
    { length: 1 + Math.floor(random.next() * 5) },
    () => `"${random.pick(BODY_KEYS)}":${random.pick(JSON_VALUES)}`,
  );
  const json = Buffer.from(`{${members.join()}}`);
  if (random.chance(0.1)) json[Math.floor(random.next() * json.length)] = random.pick([0, 0x80, 0xc0, 0xff]);
  return json;
}

describe('no request, however malformed,', () => {
  const api = useApi();
  let ada: Account;
  before(async () => {
    ada = await api.signUp('ada');
    await ada.post('/posts', { title: 't', content: 'c' });
    const bob = await api.signUp('bob');
    await bob.post('/posts', { title: 't', content: 'c' });
  });

  it(`is answered with 5xx: ${REQUESTS} at random over every route (seed ${SEED})`, async function () {
    this.timeout(60_000);
    const random = new Random(SEED);
    const requests = Array.from({ length: REQUESTS }, () => hostileRequest(random, ada.tokens.access_token));
    const statuses = new Map<number, number>();
    for (let first = 0; first < requests.length; first += AT_ONCE) {
      await Promise.all(
        requests.slice(first, first + AT_ONCE).map(async (request) => {
          const status = await rawRequest(api.url, request);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          assert.ok(status < 500, `${status}: ${request.toString('latin1', 0, 3000)}`);
        }),
      );
    }
    // Proof that the requests reach all layers and do not all fail at the first.
    for (const status of [200, 201, 400, 401, 403, 404, 405, 409, 413, 422, 431])
      assert.ok(statuses.has(status), `no ${status}`);
    assert.deepEqual(
      api.log.filter((line) => Number(line.level) >= 50),
      [],
    );
    assert.equal((await ada.get('/users/me')).status, 200);
  });

  const raw: [string, string | Buffer, number][] = [
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['TLS on a plain port', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['a NUL in the path', 'GET /api/\0 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['no host', 'GET /api/livez HTTP/1.1\r\n\r\n', 400],
    ['headers of 20 KB', `GET /api/livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'an absolute URI',
      'GET http://elsewhere/api/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      200,
    ],
    ['a URI that is none', 'GET http:///:: HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    [
      'two lengths',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'smuggling',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ];
  for (const [what, bytes, status] of raw) {
    it(`confuses the server: ${what}`, async () => {
      assert.equal(await rawRequest(api.url, Buffer.from(bytes)), status);
    });
  }

  it('breaks the JSON of a problem or the log', async () => {
    const reply = await ada.post('/posts', { title: '"\n\u2028<script>', content: 1 });
    assert.equal(reply.status, 422);
    assert.equal(reply.body.errors[0].path, 'content');
  });
});
