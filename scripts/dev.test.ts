import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readFile, rm, stat, symlink, utimes } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type DevOptions, runDev } from './dev.ts';

const CHECKOUT = join(import.meta.dirname, '..');

/** One run, and what it said. */
type Dev = {
  url: string;
  lines: string[];
  abort: AbortController;
  done: Promise<void>;
  /** Resolves at the next line that matches, also one said before. */
  said(pattern: RegExp): Promise<void>;
};

describe('berth dev', function () {
  this.timeout(120_000);
  let root: string;
  let stateDirectory: string;
  let port: number;

  // A copy, so that a test can change a file of the API; a temporary directory, as PostgreSQL's account must reach it.
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'dev-test-'));
    await chmod(root, 0o755);
    await cp(join(CHECKOUT, 'api'), join(root, 'api'), { recursive: true });
    await cp(join(CHECKOUT, 'package.json'), join(root, 'package.json'));
    await symlink(join(CHECKOUT, 'node_modules'), join(root, 'node_modules'));
    stateDirectory = join(root, '.berth');
    port = await freePort();
  });
  after(() => rm(root, { recursive: true }));

  function start(overrides: Partial<DevOptions> = {}): Dev {
    const lines: string[] = [];
    const waiting = new Set<() => void>();
    const abort = new AbortController();
    const say = (line: string) => {
      lines.push(line);
      for (const look of waiting) look();
    };
    const done = runDev({ root, stateDirectory, port, signal: abort.signal, say, ...overrides });
    const said = (pattern: RegExp) =>
      Promise.race([
        new Promise<void>((resolve) => {
          const look = () => void (lines.some((line) => pattern.test(line)) && resolve());
          waiting.add(look);
          look();
        }),
        done.then(() => assert.fail(`ended: ${lines.join('\n')}`)),
      ]);
    return { url: `http://localhost:${port}/api`, lines, abort, done, said };
  }

  async function stop({ abort, done }: Dev): Promise<void> {
    abort.abort();
    await done;
    await assert.rejects(fetch(`http://localhost:${port}/api/livez`));
    assert.deepEqual(await processesOf(root), []);
  }

  const ready = (dev: Dev) => dev.said(/the API answers at/);

  it('says the URL once the API answers there, and leaves no process behind', async () => {
    const dev = start();
    await ready(dev);
    assert.ok(dev.lines.includes('applied 0001_users.ts'));
    assert.ok(dev.lines.includes(`the API answers at ${dev.url}`));
    assert.equal((await fetch(`${dev.url}/readyz`)).status, 200);
    await stop(dev);
  });

  it('keeps accounts and tokens over a restart, and is ready in seconds', async () => {
    const [email, password] = ['ada@example.org', 'correct horse'];
    const first = start();
    await ready(first);
    await post(`${first.url}/users`, { email, password });
    const login = await post(`${first.url}/login`, { username: email, password });
    const { access_token } = (await login.json()) as { access_token: string };
    await stop(first);

    const started = performance.now();
    const second = start();
    await ready(second);
    assert.ok(performance.now() - started < 30_000, 'generous: a shared computer');
    const me = await fetch(`${second.url}/users/me`, {
      headers: { Authorization: `Bearer ${access_token}` },
    });
    assert.equal(me.status, 200);
    await stop(second);
  });

  it('does tasks', async () => {
    const dev = start();
    await ready(dev);
    const [username, password] = ['ada@example.org', 'correct horse'];
    const login = await post(`${dev.url}/login`, { username, password });
    const { access_token } = (await login.json()) as { access_token: string };
    const headers = { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ kind: 'digest' });
    const ordered = await fetch(`${dev.url}/tasks`, { method: 'POST', headers, body });
    const task = (await ordered.json()) as { id: number };
    const events = await fetch(`${dev.url}/tasks/${task.id}/events`, { headers });
    assert.match(await events.text(), /"status":"done"/);
    await stop(dev);
  });

  it('keeps its signing key for itself', async () => {
    assert.equal((await stat(join(stateDirectory, 'dev', 'jwt-key'))).mode & 0o777, 0o600);
  });

  it('starts the server again when a file of it changes', async () => {
    const dev = start();
    await ready(dev);
    const restarted = dev.said(/Restarting|stopping/);
    await utimes(join(root, 'api', 'app.ts'), new Date(), new Date());
    await restarted;
    await stop(dev);
  });

  it('recovers from a run that was killed', async () => {
    const killed = runInProcess({ root, stateDirectory, port });
    await output(killed, /the API answers/);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const dev = start();
    await ready(dev);
    await stop(dev);
  });

  it('recovers from a PostgreSQL that was killed', async () => {
    const first = start();
    await ready(first);
    process.kill(await postmaster(stateDirectory), 'SIGKILL');
    first.abort.abort();
    await first.done;
    const second = start();
    await ready(second);
    await stop(second);
  });

  it('refuses to run twice', async () => {
    const other = runInProcess({ root, stateDirectory, port });
    await output(other, /the API answers/);
    await assert.rejects(start({ port: await freePort() }).done, { code: 'dev_running' });
    other.kill('SIGTERM');
    await once(other, 'exit');
    assert.deepEqual(await processesOf(root), []);
  });

  it('names a port that is taken', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await assert.rejects(start({ port }).done, (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'port_in_use');
      assert.match(error.message, new RegExp(String(port)));
      return /choose another port/.test(error.hint);
    });
    server.close();
  });

  it('says why a database of one’s own cannot be used', async () => {
    const databaseUrl = 'postgresql:///api?host=/nowhere';
    await assert.rejects(start({ databaseUrl }).done, (error: Error & { code: string }) => {
      assert.equal(error.code, 'dev_migration_failed');
      return /\/nowhere/.test(error.message);
    });
  });

  it('can be ended at any moment', async () => {
    for (const moment of [/^nothing to migrate/, /"listening"/]) {
      const dev = start();
      await dev.said(moment);
      await stop(dev);
    }
    const dev = start();
    await stop(dev);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** A run in a process of its own, which can be killed. */
function runInProcess(options: Pick<DevOptions, 'root' | 'stateDirectory' | 'port'>): ChildProcess {
  const program = `
    import { runDev } from ${JSON.stringify(join(import.meta.dirname, 'dev.ts'))};
    const abort = new AbortController();
    process.once('SIGTERM', () => abort.abort());
    await runDev({ ...${JSON.stringify(options)}, signal: abort.signal, say: console.log });`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function output(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  while (!pattern.test(text)) {
    assert.equal(child.exitCode, null, `ended without ${pattern}: ${text}`);
    await Promise.race([once(child.stdout as Readable, 'data'), once(child, 'exit')]);
  }
}

async function postmaster(stateDirectory: string): Promise<number> {
  const file = await readFile(join(stateDirectory, 'dev', 'postgres', 'data', 'postmaster.pid'), 'utf8');
  return Number(file.split('\n')[0]);
}

/** The command lines of what runs from a directory, or in it. */
async function processesOf(directory: string): Promise<string[]> {
  const ps = spawn('ps', ['-eo', 'command='], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of ps.stdout) text += chunk;
  return text.split('\n').filter((line) => line.includes(directory));
}
