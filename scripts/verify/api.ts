import type { AppSettings } from '../../provisioning/settings.ts';
import { type Finding, judge, type Rule, skip } from '../../provisioning/verify/finding.ts';
import { ask, exchange, hostOf } from './exchange.ts';
import { type Site, sitesOf } from './sites.ts';
import type { OutsideCheck, Target } from './target.ts';

const fix = 'berth logs; berth rollback brings back a release that refused it';
const rules = {
  tokens: {
    id: 'api.tokens',
    title: 'the API refuses who has no token, a forged one, or one without a signature',
    fix,
    reference: 'RFC 8725 3.1; RFC 6750 3',
  },
  bodies: {
    id: 'api.bodies',
    title: 'a body over apps.<app>.body_limit is refused before it is sent',
    fix,
    reference: 'OWASP API4:2023',
  },
  input: {
    id: 'api.input',
    title: 'the API refuses what is no JSON or not as its contract says',
    fix,
    reference: 'OWASP API8:2023',
  },
} satisfies Record<string, Rule>;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = encode({ sub: '1', ver: 0, exp: 4_102_444_800 });
const tokens: [what: string, header: string[]][] = [
  ['no token', []],
  ['alg none', [`Authorization: Bearer ${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`]],
  ['no JWT', ['Authorization: Bearer berth']],
  ['an empty token', ['Authorization: Bearer ']],
  ['another scheme', ['Authorization: Basic cm9vdDpyb290']],
  [
    'alg None with a key id',
    [`Authorization: Bearer ${encode({ alg: 'None', typ: 'JWT', kid: '1' })}.${claims}.`],
  ],
  [
    'a forged signature',
    [`Authorization: Bearer ${encode({ alg: 'HS256', typ: 'JWT', kid: '1' })}.${claims}.${'A'.repeat(43)}`],
  ],
  [
    'a key id that is a path',
    [
      `Authorization: Bearer ${encode({ alg: 'HS256', typ: 'JWT', kid: '../../dev/null' })}.${claims}.${'A'.repeat(43)}`,
    ],
  ],
];

/** Every token is tried on the first, the first two on all. */
const requests = [
  ['GET', '/api/users/me'],
  ['GET', '/api/posts'],
  ['POST', '/api/posts'],
  ['DELETE', '/api/users/me'],
] as const;

const json = 'Content-Type: application/json';
const inputs: [what: string, headers: string[], body: string][] = [
  ['broken JSON', [json], '{"username":'],
  ['no JSON', ['Content-Type: text/xml'], '<a/>'],
  ['a list', [json], '[]'],
  ['an operator for a password', [json], '{"username":"a@example.com","password":{"$ne":""}}'],
  ['a prototype', [json], '{"__proto__":{"admin":true}}'],
];

/** That the bundled API refuses what it should; of another application the size of bodies alone is known. */
export const api: OutsideCheck = { id: 'api', run };

async function run(target: Target): Promise<Finding[]> {
  const apps = Object.values(target.settings.apps);
  const [oversize, bundled] = await Promise.all([
    Promise.all(apps.map((app) => oversized(target, app))),
    Promise.all(sitesOf(target).map(async (site) => ((await isBundled(target, site)) ? [site] : []))),
  ]);
  const limits = apps.map(({ name, bodyLimitBytes }) => `${name}: over ${bodyLimitBytes} bytes is 413`);
  const bodies = judge(rules.bodies, oversize.flat(), limits.join(', '));
  const [site] = bundled.flat();
  if (!site) {
    const why = 'the bundled API does not answer here';
    return [skip(rules.tokens, why), skip(rules.input, why), bodies];
  }
  const [unsigned, odd] = await Promise.all([tokensTaken(target, site), inputTaken(target, site)]);
  return [
    judge(rules.tokens, unsigned, `401 for ${tokens.map(([what]) => what).join(', ')}`),
    judge(rules.input, odd, inputs.map(([what]) => what).join(', ')),
    bodies,
  ];
}

async function isBundled(target: Target, site: Site): Promise<boolean> {
  const { status, body } = await ask(target, { ...site, path: '/api/openapi.json' });
  return status === 200 && body.includes('"/posts"') && body.includes('"/login"');
}

async function tokensTaken(target: Target, site: Site): Promise<string[]> {
  // Together fewer than fail2ban takes for an attack, should this computer have another address than its SSH.
  const tried = requests.flatMap(([method, path], index) =>
    tokens
      .slice(0, index === 0 ? tokens.length : 2)
      .map(([what, headers]) => ({ what, method, path, headers })),
  );
  const taken = await Promise.all(
    tried.map(async ({ what, ...request }) => {
      const { status, headers } = await ask(target, { ...site, ...request });
      const fine = status === 401 && /^Bearer/.test(headers['www-authenticate'] ?? '');
      return fine ? [] : [`${request.method} ${request.path} with ${what}: ${status}`];
    }),
  );
  return taken.flat();
}

async function inputTaken(target: Target, site: Site): Promise<string[]> {
  const taken = await Promise.all(
    inputs.map(async ([what, headers, body]) => {
      const { status } = await ask(target, { ...site, method: 'POST', path: '/api/login', headers, body });
      return status >= 400 && status < 500 ? [] : [`POST /api/login with ${what}: ${status}`];
    }),
  );
  return taken.flat();
}

/** The length alone is said: who sends more than is taken is refused before the first byte of it. */
async function oversized(
  target: Target,
  { name, prefix, domains, bodyLimitBytes }: AppSettings,
): Promise<string[]> {
  const host = domains[0] ?? hostOf(target);
  const head = [
    `POST ${prefix} HTTP/1.1`,
    `Host: ${host}`,
    `Content-Length: ${bodyLimitBytes + 1}`,
    'Connection: close',
  ];
  const { status } = await exchange(target, {
    servername: domains[0],
    bytes: `${head.join('\r\n')}\r\n\r\n`,
  });
  // Under maintenance nobody is asked for anything.
  return [413, 503].includes(status)
    ? []
    : [`${name}: ${status || 'no answer'} to ${bodyLimitBytes + 1} bytes`];
}
