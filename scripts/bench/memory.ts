import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { bytesText } from '../table.ts';
import { start, stop } from './api/contenders.ts';
import { load } from './api/load.ts';
import { childrenOf } from './api/processes.ts';
import { readsOf, votesOf } from './api/requests.ts';
import { onStage } from './api/stage.ts';

/**
 * What memory a web process holds under mixed load: its RSS after turns of lists, single posts, searches and votes, between
 * which somebody tries to sign in, for 10 minutes. Run it as `node scripts/bench/memory.ts`, with the Node of the lock file; it wants Debian's `wrk` and `psql`.
 * `--minutes 10`.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const size = { users: 1_000, posts: 10_000, votes: 50_000 };
const SECONDS_A_TURN = 5;
const SIGN_INS_A_TURN = 4;
const NO_LIMIT = String(10 ** 6);

await onStage(async ({ directory, prepare }) => {
  const limits = { LOGIN_LIMIT_ACCOUNT: NO_LIMIT, LOGIN_LIMIT_ADDRESS: NO_LIMIT };
  const api = await start('api', { ...(await prepare(size)), ...limits }, directory);
  try {
    const mix = [...Object.values(readsOf(size)), searches(), votesOf(size)];
    const turns = Math.ceil((Number(values.minutes) * 60) / SECONDS_A_TURN);
    let offset = 0;
    for (let turn = 0; turn < turns; turn += 1) {
      for (let n = 0; n < SIGN_INS_A_TURN; n += 1) await signIn();
      const requests = mix[turn % mix.length] ?? [];
      const { requests: sent } = await load(api.origin, requests, {
        seconds: SECONDS_A_TURN,
        directory,
        offset,
      });
      offset += sent;
      if (turn % 6 === 5 || turn === turns - 1) await say(turn);
    }
  } finally {
    await stop(api);
  }

  async function signIn(): Promise<void> {
    const body = new URLSearchParams({ username: 'nobody@example.org', password: 'correct horse' });
    // Each on a connection of its own, so that both processes get some.
    const reply = await fetch(`${api.origin}/api/login`, {
      method: 'POST',
      body,
      headers: { Connection: 'close' },
    });
    assert.equal(reply.status, 401);
    await reply.text();
  }

  async function say(turn: number): Promise<void> {
    const workers = await childrenOf(api.process.pid as number);
    const held = await Promise.all(workers.map(rss));
    const minutes = (((turn + 1) * SECONDS_A_TURN) / 60).toFixed(1).padStart(5);
    console.log(`${minutes} min  ${held.map(bytesText).join('  ')}`);
  }
});

/** Thousands of different ones, as nothing may be kept of each. */
function searches() {
  const [list = []] = Object.values(readsOf(size));
  return list.map((request, n) => ({
    ...request,
    path: `/api/posts?search=${n.toString(36).padStart(3, '0')}`,
  }));
}

async function rss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
