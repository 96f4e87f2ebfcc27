import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExposition } from './exposition.ts';
import { loadOf, measureLoad } from './load.ts';

/** Of two processes of the bundled API on a busy computer; two routes of four. */
const recorded = `# HELP api_build_info What runs: always 1.
# TYPE api_build_info gauge
api_build_info{release="v42",node="v26.10.0"} 1
# HELP db_pool_size Connections that the pool may have.
# TYPE db_pool_size gauge
db_pool_size 20
# HELP db_pool_used Connections in use.
# TYPE db_pool_used gauge
db_pool_used 0
# HELP http_request_duration_seconds From the request’s headers to the answer; one that no route has matched is "unmatched".
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.001",method="GET",route="/api/readyz",status="200"} 9
http_request_duration_seconds_bucket{le="0.002",method="GET",route="/api/readyz",status="200"} 21
http_request_duration_seconds_bucket{le="0.005",method="GET",route="/api/readyz",status="200"} 25
http_request_duration_seconds_bucket{le="0.01",method="GET",route="/api/readyz",status="200"} 27
http_request_duration_seconds_bucket{le="0.02",method="GET",route="/api/readyz",status="200"} 53
http_request_duration_seconds_bucket{le="0.05",method="GET",route="/api/readyz",status="200"} 91
http_request_duration_seconds_bucket{le="0.1",method="GET",route="/api/readyz",status="200"} 100
http_request_duration_seconds_bucket{le="0.2",method="GET",route="/api/readyz",status="200"} 108
http_request_duration_seconds_bucket{le="0.5",method="GET",route="/api/readyz",status="200"} 109
http_request_duration_seconds_bucket{le="1",method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_bucket{le="2",method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_bucket{le="5",method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_bucket{le="10",method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_sum{method="GET",route="/api/readyz",status="200"} 4.425378878999993
http_request_duration_seconds_count{method="GET",route="/api/readyz",status="200"} 110
http_request_duration_seconds_bucket{le="0.001",method="GET",route="/api/posts",status="401"} 1
http_request_duration_seconds_bucket{le="0.002",method="GET",route="/api/posts",status="401"} 1
http_request_duration_seconds_bucket{le="0.005",method="GET",route="/api/posts",status="401"} 1
http_request_duration_seconds_bucket{le="0.01",method="GET",route="/api/posts",status="401"} 1
http_request_duration_seconds_bucket{le="0.02",method="GET",route="/api/posts",status="401"} 2
http_request_duration_seconds_bucket{le="0.05",method="GET",route="/api/posts",status="401"} 2
http_request_duration_seconds_bucket{le="0.1",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="0.2",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="0.5",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="1",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="2",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="5",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="10",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/api/posts",status="401"} 3
http_request_duration_seconds_sum{method="GET",route="/api/posts",status="401"} 0.10583742800000619
http_request_duration_seconds_count{method="GET",route="/api/posts",status="401"} 3
# HELP nodejs_eventloop_delay_seconds How late a timer is, asked every 100 ms.
# TYPE nodejs_eventloop_delay_seconds histogram
nodejs_eventloop_delay_seconds_bucket{le="0.002"} 44
nodejs_eventloop_delay_seconds_bucket{le="0.005"} 91
nodejs_eventloop_delay_seconds_bucket{le="0.01"} 136
nodejs_eventloop_delay_seconds_bucket{le="0.02"} 185
nodejs_eventloop_delay_seconds_bucket{le="0.05"} 236
nodejs_eventloop_delay_seconds_bucket{le="0.1"} 258
nodejs_eventloop_delay_seconds_bucket{le="0.2"} 268
nodejs_eventloop_delay_seconds_bucket{le="0.5"} 272
nodejs_eventloop_delay_seconds_bucket{le="1"} 272
nodejs_eventloop_delay_seconds_bucket{le="5"} 274
nodejs_eventloop_delay_seconds_bucket{le="+Inf"} 274
nodejs_eventloop_delay_seconds_sum 11.30437894800001
nodejs_eventloop_delay_seconds_count 274
`;

/** What the same had said a second and a half before. */
const earlier = recorded
  .replace(/(_count\{.*readyz.*\}) 110/, '$1 98')
  .replace('_sum 11.30437894800001', '_sum 11.199732007000009')
  .replace('_count 274', '_count 246');

describe('Prometheus’ text format', () => {
  it('is read as the API writes it', () => {
    const samples = parseExposition(recorded);
    assert.equal(samples.length, recorded.split('\n').filter((line) => /^[a-z]/.test(line)).length);
    assert.deepEqual(samples[0], {
      name: 'api_build_info',
      labels: { release: 'v42', node: 'v26.10.0' },
      value: 1,
    });
  });

  it('may hold escapes, times and infinities, and what is none of it is left out', () => {
    const text = [
      'a{b="say \\"hi\\" to C:\\\\n\\n",c="}"} 1.5e3 1795299999000',
      'd +Inf',
      'e -Inf',
      'f NaN',
      '<!doctype html>',
      'g',
      '{"status":"ok"}',
      '',
    ].join('\n');
    assert.deepEqual(parseExposition(text), [
      { name: 'a', labels: { b: 'say "hi" to C:\\n\n', c: '}' }, value: 1500 },
      { name: 'd', labels: {}, value: Number.POSITIVE_INFINITY },
      { name: 'e', labels: {}, value: Number.NEGATIVE_INFINITY },
    ]);
  });
});

describe('the load of an application', () => {
  const [before, now] = [parseExposition(earlier), parseExposition(recorded)];

  it('is the growth since a moment ago, and what was answered since the start', () => {
    const { p99Ms, lagMs, requestsPerSecond, ...exactly } = loadOf(before, now, 1.5);
    assert.deepEqual(exactly, { answers: 113, failed: 0, pool: { used: 0, size: 20 } });
    assert.equal(requestsPerSecond, 8);
    assert.equal(p99Ms?.toFixed(1), '461.0');
    assert.equal(lagMs?.toFixed(1), '3.7');
  });

  it('tells failures from what clients did wrong', () => {
    const failing = parseExposition(recorded.replaceAll('status="200"', 'status="503"'));
    assert.equal(loadOf(before, failing, 1).failed?.toFixed(3), '0.973');
  });

  it('knows no rate below 0, as when a process has ended meanwhile', () => {
    const { requestsPerSecond, lagMs } = loadOf(now, before, 1);
    assert.deepEqual([requestsPerSecond, lagMs], [0, null]);
  });

  it('is not known before the first answer', () => {
    const none = now.filter(({ name }) => !name.startsWith('http'));
    const { failed, p99Ms, answers } = loadOf(none, none, 1);
    assert.deepEqual([answers, failed, p99Ms], [0, null, null]);
  });
});

describe('asking an application for its load', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-load-'));
  const socket = join(directory, '1.sock');
  let server: Server;
  let answer: { status: number; text: string } | null;

  before(async () => {
    server = createServer((request, response) => {
      if (!answer) return;
      response.statusCode = request.url === '/metrics' ? answer.status : 404;
      response.end(answer.text);
    }).listen(socket);
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  });

  it('takes two looks, however long the answer', async () => {
    answer = { status: 200, text: `${'# HELP x y\n'.repeat(10_000)}${recorded}` };
    const load = await measureLoad(socket);
    assert.deepEqual([load?.answers, load?.requestsPerSecond], [113, 0]);
  });

  for (const [what, given] of [
    ['has no such path', { status: 404, text: recorded }],
    ['answers its page to everything', { status: 200, text: '<!doctype html><p>here' }],
    ['counts other things', { status: 200, text: 'up 1\n' }],
  ] as const) {
    it(`knows nothing of one that ${what}`, async () => {
      answer = given;
      assert.equal(await measureLoad(socket), null);
    });
  }

  it('knows nothing of one that does not answer, or does not run', async () => {
    answer = null;
    assert.equal(await measureLoad(socket), null);
    assert.equal(await measureLoad(join(directory, '2.sock')), null);
  }).timeout(5000);
});
