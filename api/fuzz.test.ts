import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Account, useApi } from './testing/api.ts';
import { assertDocumented } from './testing/conformance.ts';
import { type FuzzRequest, fuzzRequests } from './testing/fuzz.ts';
import { Wire, type WireAnswer } from './testing/wire.ts';

/** `BERTH_FUZZ` sends more, `BERTH_FUZZ_SEED` others. */
const REQUESTS = Number(process.env.BERTH_FUZZ ?? 20_000);
const SEED = Number(process.env.BERTH_FUZZ_SEED ?? 20_261_121);
const AT_ONCE = 50;

/** Of Node's parser, which no route has seen. */
const UNREADABLE = new Set([400, 417, 431]);

describe('whatever the document lets one ask, and what it does not,', function () {
  this.timeout(Math.max(120_000, REQUESTS * 10));
  const api = useApi();
  let ada: Account;
  let bob: Account;
  let wire: Wire;
  const statuses = new Map<number, number>();

  before(async () => {
    ada = await api.signUp('ada');
    bob = await api.signUp('bob');
    wire = new Wire(api.url);
    for (const account of [ada, bob])
      for (let n = 0; n < 20; n++)
        await account.post('/posts', { title: `${n}`, content: 'c', published: n % 5 > 0 });
  });
  after(() => wire.close());

  it(`is answered as documented: ${REQUESTS} requests (seed ${SEED})`, async () => {
    const document = (await api.anonymous.get('/openapi.json')).body;
    const { tokens } = await api.signUp('eve');
    const credentials = {
      tokens: [ada.tokens.access_token, bob.tokens.access_token],
      expendable: tokens.access_token,
    };
    const requests = fc.sample(fuzzRequests(document, credentials), { seed: SEED, numRuns: REQUESTS });
    const failures: string[] = [];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = requests.pop(); next; next = requests.pop())
          await sendAndCheck(next).catch((error: Error) => failures.push(error.message));
      }),
    );
    assert.equal(failures.length, 0, `${failures.length} failures: ${failures.slice(0, 10).join('\n\n')}`);
    // Proof that they reach all layers and do not all fail at the first.
    for (const status of [200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 417, 422, 431])
      assert.ok(statuses.has(status), `no ${status} among ${[...statuses.keys()]}`);
    assert.equal((await ada.get('/users/me')).status, 200);
  });

  async function sendAndCheck({ method, path, bytes }: FuzzRequest): Promise<void> {
    try {
      const answer = await wire.send(bytes, { isHead: method === 'HEAD' });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      check(method, path, answer);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${message.slice(0, 500)}\n${bytes.toString('latin1', 0, 1_000)}`, { cause: error });
    }
  }
});

function check(method: string, path: string, { status, headers, body }: WireAnswer): void {
  assert.ok(status < 500, `${status} ${body}`);
  if (UNREADABLE.has(status) && !headers.has('x-request-id')) return;
  assertDocumented({ method, path }, { status, headers, body: body === '' ? null : JSON.parse(body) });
}
