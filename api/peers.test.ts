import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinPeers } from './peers.ts';

describe('the processes that share a socket', () => {
  let directory: string;
  let shared: string;
  let ask: () => Promise<object[]>;
  const servers: Server[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'api-peers-'));
    shared = join(directory, '7.sock');
    ask = await joinPeers(shared, async () => ({ mine: true }));
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  after(() => rm(directory, { recursive: true }));

  /** One that does this to whoever asks; a process that lives has its number. */
  async function peer(tell: (socket: Socket) => void): Promise<void> {
    const server = createServer(tell).listen(`${shared}.${process.ppid}`);
    servers.push(server);
    await once(server, 'listening');
  }

  it('tell each other, and not themselves', async () => {
    assert.deepEqual(await ask(), []);
    await peer((socket) => void socket.end('{"theirs":true}'));
    assert.deepEqual(await ask(), [{ theirs: true }]);
  });

  for (const [what, tell] of [
    ['hangs up', (socket: Socket) => void socket.destroy()],
    ['breaks off', (socket: Socket) => void socket.end('{"theirs":')],
    ['is silent', () => {}],
  ] as const) {
    it(`do without one that ${what}`, async () => {
      await peer(tell);
      assert.deepEqual(await ask(), []);
    });
  }

  it('remove what one of them has left behind, and nothing else', async () => {
    const ended = fork(join(import.meta.dirname, 'migrate.ts'), { silent: true, env: {} });
    await once(ended, 'exit');
    const [left, other] = [`${shared}.${ended.pid}`, `${shared}.old`];
    for (const path of [left, other]) await writeFile(path, '');
    assert.deepEqual(await ask(), []);
    await assert.rejects(access(left), { code: 'ENOENT' });
    await access(other);
  });
});
