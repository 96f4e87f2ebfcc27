import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { useApi } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';
import { Client } from './testing/client.ts';
import { samplesOf } from './testing/exposition.ts';

describe('GET /metrics', () => {
  const api = useApi({ RELEASE: 'v42', DATABASE_POOL_MAX: '7' });
  const scrape = (headers = {}) => fetch(new URL('/metrics', api.url), { headers });
  const samples = async () => samplesOf(await (await scrape()).text());
  const count = (labels: string, of: Map<string, number>) =>
    of.get(`http_request_duration_seconds_count{${labels}}`) ?? 0;

  it('counts answers by method, pattern and status, and times them', async () => {
    const ada = await api.signUp('ada');
    for (const id of [1, 2, 3]) await ada.get(`/posts/${id}?search=x`);
    const after = await samples();
    const labels = 'method="GET",route="/api/posts/:id",status="404"';
    assert.equal(count(labels, after), 3);
    assert.equal(after.get(`http_request_duration_seconds_bucket{le="+Inf",${labels}}`), 3);
    const seconds = after.get(`http_request_duration_seconds_sum{${labels}}`) ?? 0;
    assert.ok(seconds > 0.0003 && seconds < 3, `${seconds}`);
    assert.equal(count('method="POST",route="/api/login",status="200"', after), 1);
  });

  it('has one label for every path that no route has', async () => {
    const seriesBefore = (await samples()).size;
    for (let n = 0; n < 50; n += 1) await api.anonymous.get(`/nothing/${n}`);
    await fetch(new URL('/elsewhere', api.url));
    const after = await samples();
    assert.equal(count('method="GET",route="unmatched",status="404"', after), 51);
    assert.equal(after.size - seriesBefore, 16, 'the buckets, sum and count of one more kind of answer');
  });

  it('says what runs and how the pool is', async () => {
    await api.anonymous.get('/readyz');
    const found = await samples();
    assert.equal(found.get(`api_build_info{release="v42",node="${process.version}"}`), 1);
    assert.equal(found.get('db_pool_size'), 7);
    assert.deepEqual([found.get('db_pool_used'), found.get('db_pool_waiting')], [0, 0]);
    const busy = api.db.transaction(async (trx) => {
      await trx.raw('select 1');
      return samples();
    });
    assert.equal((await busy).get('db_pool_used'), 1);
  });

  it('neither counts nor logs who asks for it', async () => {
    const before = await samples();
    const lines = api.log.length;
    const reply = await scrape();
    assert.deepEqual(
      [reply.status, reply.headers.get('content-type')],
      [200, 'text/plain; version=0.0.4; charset=utf-8'],
    );
    assert.deepEqual([...(await samples()).keys()], [...before.keys()]);
    assert.equal(api.log.length, lines);
  });

  it('is no path for whoever comes through a proxy', async () => {
    for (const header of ['X-Real-IP', 'X-Forwarded-For', 'Forwarded']) {
      const { status, headers } = await scrape({ [header]: '127.0.0.1' });
      assert.deepEqual([status, headers.get('content-type')], [404, 'application/problem+json'], header);
    }
  });

  it('is no path below /api, with a query, or for another method', async () => {
    assertProblem(await api.anonymous.get('/metrics'), 404, 'not_found');
    const root = new Client(new URL('/', api.url).href.slice(0, -1));
    assertProblem(await root.get('/metrics?x'), 404, 'not_found');
    assertProblem(await root.post('/metrics', {}), 404, 'not_found');
  });
});

describe('GET /metrics from another machine', () => {
  const api = useApi({}, '0.0.0.0');
  const [address] = Object.values(networkInterfaces()).flatMap(
    (all) => all?.filter(({ internal, family }) => !internal && family === 'IPv4') ?? [],
  );

  it('is no path', async function () {
    if (!address) return this.skip();
    const { port } = new URL(api.url);
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 200);
    assert.equal((await fetch(`http://${address.address}:${port}/metrics`)).status, 404);
  });
});
