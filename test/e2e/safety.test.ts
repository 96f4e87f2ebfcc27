import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'node:tls';
import { slowClients } from '../../api/testing/slow-clients.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { median } from './computer.ts';
import { figure } from './user.ts';

const credentials = { username: 'ada@example.org', password: 'correct horse' };

type Tokens = { access_token: string; refresh_token: string };

/** What people who are signed in, and people who mean no good, notice of a machine. */
describe('a machine with people signed in', function () {
  this.timeout(900_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  let ask: Client;
  let tokens: Tokens;

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings('machine: {kind: container}\napps: {api: {watch: 0s, processes: {web: 2}}}\n');
    await checkout.must(['up']);
    status = await checkout.status();
    ask = clientOf(status);
    const body = { email: credentials.username, password: credentials.password };
    assert.equal((await ask({ method: 'POST', path: '/api/users', body })).status, 201);
    tokens = await signIn();
  });
  this.afterAll(() => checkout?.remove());

  async function signIn(): Promise<Tokens> {
    const { json } = await ask({ method: 'POST', path: '/api/login', body: credentials });
    return json as unknown as Tokens;
  }

  const posts = async (token: string) => (await ask({ path: '/api/posts', token })).status;
  const keys = () => checkout.ssh('sudo sed -n \'s/^JWT_KEYS="\\(.*\\)"$/\\1/p\' /etc/api/env');

  it('rotates its keys and signs nobody out: not with a token from before, nor with one of that moment', async () => {
    const before = tokens.access_token;
    const agent = new Agent({ keepAlive: true, ca: readFileSync(status.ca, 'utf8') });
    const refused: string[] = [];
    const signers = new Set<string>();
    let asked = 0;
    let going = true;
    const check = async (token: string) => {
      const answer = await over(agent, status.url, '/api/posts?limit=1', token);
      asked += 1;
      if (answer.status !== 200)
        refused.push(`${answer.status} by ${answer.release}: signed by ${kidOf(token)}`);
    };
    const people = Array.from({ length: 8 }, async () => {
      let { access_token, refresh_token } = await signIn();
      while (going) {
        const body = { refresh_token };
        const next = await ask({ method: 'POST', path: '/api/token/refresh', body });
        assert.equal(next.status, 200, next.text);
        ({ access_token, refresh_token } = next.json as unknown as Tokens);
        signers.add(kidOf(access_token));
        // At once and by many connections, of which some are with the release before for a moment.
        await Promise.all([check(access_token), check(access_token), check(access_token), check(before)]);
      }
    });
    const first = await keys();
    const rotated = await checkout.must(['config', 'rotate-keys']);
    await wait(1_000);
    going = false;
    await Promise.all(people);
    agent.destroy();
    figure('requests with tokens of both keys while they rotated', asked);
    assert.deepEqual(refused, []);
    assert.equal(signers.size, 2);
    assert.ok((await keys()).trim().endsWith(`,${first.trim()}`));
    for (const secret of (await keys())
      .trim()
      .split(',')
      .map((key) => key.split(':')[1] as string))
      assert.ok(!`${rotated.stdout}${rotated.stderr}`.includes(secret));
    assert.equal((await checkout.berth(['plan'])).code, 0);
  });

  it('lets go of old keys when told to, and refresh tokens go on', async () => {
    await checkout.must(['config', 'rotate-keys', 'JWT_KEYS', '--keep', '0s']);
    assert.doesNotMatch(await keys(), /,/);
    assert.equal(await posts(tokens.access_token), 401);
    const body = { refresh_token: tokens.refresh_token };
    const next = await ask({ method: 'POST', path: '/api/token/refresh', body });
    tokens = next.json as unknown as Tokens;
    assert.equal(await posts(tokens.access_token), 200);
  });

  it('refuses to rotate what holds no keys', async () => {
    for (const [words, error] of [
      [['rotate-keys', 'NODE_ENV'], /config_refused/],
      [['rotate-keys', 'NOPE'], /config_unknown/],
      [['rotate-keys', '--keep', 'long'], /wrong_usage/],
      [['unset', 'JWT_KEYS', '--keep', '1h'], /wrong_usage/],
    ] as const)
      assert.match((await checkout.berth(['config', ...words])).stderr, error);
  });

  it('answers others as fast beside 500 clients that send a byte a second', async () => {
    const { hostname, port } = new URL(status.url);
    const ca = readFileSync(status.ca, 'utf8');
    const p50 = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
      const times: number[] = [];
      while (times.length < 50) {
        const began = performance.now();
        const answer = await over(agent, status.url, '/api/posts?limit=1', tokens.access_token);
        assert.equal(answer.status, 200);
        times.push(performance.now() - began);
      }
      agent.destroy();
      return median(times);
    };
    await p50();
    const alone = await p50();
    const slow = await slowClients(() => {
      const stream = connect({ host: hostname, port: Number(port || 443), ca });
      return { stream, ready: 'secureConnect' };
    }, 500);
    try {
      const beside = await p50();
      figure('p50 alone and beside 500 slow clients', `${alone.toFixed(1)} ms, ${beside.toFixed(1)} ms`);
      // nginx takes headers for 15 s, and a body as long as it comes.
      assert.equal(slow.left().body, 250);
      assert.ok(beside < 3 * alone + 10);
      while (slow.left().headers > 0) await wait(100);
    } finally {
      slow.stop();
    }
  });
});

function kidOf(token: string): string {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}

function over(agent: Agent, url: string, path: string, token: string) {
  return new Promise<{ status: number; release: string }>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const asked = request(new URL(path, url), { agent, headers, timeout: 20_000 }, (answer) => {
      answer.resume().on('end', () => {
        resolve({ status: answer.statusCode ?? 0, release: String(answer.headers['x-release']) });
      });
      answer.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 20 s')));
    asked.on('error', reject);
    asked.end();
  });
}
