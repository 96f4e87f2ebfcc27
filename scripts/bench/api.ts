import { parseArgs } from 'node:util';
import { assertSameAnswers, assertSameJson } from './api/answers.ts';
import { type Contender, start, stop } from './api/contenders.ts';
import { behindNginx } from './api/nginx.ts';
import { reportText } from './api/report.ts';
import { readsOf, votesOf } from './api/requests.ts';
import { interleave } from './api/rounds.ts';
import { onStage } from './api/stage.ts';

/**
 * How fast the bundled API is beside a floor (`api/floor.ts`: plain node:http and pg), in one run on one PostgreSQL with
 * 10,000 posts, 1,000 users and 50,000 votes: wrk with 32 keep-alive connections, two processes each, the same two cores
 * for all, rounds interleaved; both also behind nginx, with TLS. Run it as `node scripts/bench/api.ts`, with the Node of the
 * lock file; it wants Debian's `wrk`, `nginx` and `psql`. `--rounds 9`, `--seconds 10`. `--with fastapi`: beside it the same
 * on FastAPI (`api/fastapi/server.py`), on votes too; that wants `gunicorn`, `python3-fastapi`, `python3-sqlalchemy`,
 * `python3-asyncpg`, `python3-jwt`, `python3-uvloop` and `python3-httptools`.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '5' },
    with: { type: 'string' },
  },
});
const size = { users: 1_000, posts: 10_000, votes: 50_000 };

await onStage(async ({ directory, prepare }) => {
  const env = await prepare(size);
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), directory };
  const running: Contender[] = [];
  const run = async (starting: Promise<Contender>) => {
    const contender = await starting;
    running.push(contender);
    return contender;
  };
  try {
    const floor = await run(start('floor', env, directory));
    const api = await run(start('api', env, directory));
    const reading = [floor, api];
    const writing = [api];
    for (const contender of [floor, api]) reading.push(await run(behindNginx(contender, directory)));
    if (values.with === 'fastapi') {
      const fastapi = await run(start('fastapi', env, directory));
      for (const requests of Object.values(readsOf(size)))
        await assertSameJson(api, fastapi, requests.slice(0, 5));
      for (const contenders of [reading, writing]) contenders.push(fastapi);
    }
    for (const [what, requests] of Object.entries(readsOf(size))) {
      await assertSameAnswers(floor, api, requests.slice(0, 5));
      console.log(reportText(what, await interleave(reading, () => requests, options), 'floor'));
    }
    const requests = votesOf(size);
    const votes = await interleave(writing, () => requests, { ...options, refused: 0.02 });
    console.log(reportText('POST /vote', votes, 'api'));
  } finally {
    await Promise.all(running.map(stop));
  }
});
