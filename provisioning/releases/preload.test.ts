import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { get } from './probe.ts';

const preload = join(import.meta.dirname, 'preload.mjs');
const listeners = `const open = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;
console.log(JSON.stringify({ open, address: server.address() }));`;

/** Programs as their frameworks' users write them, each in a Node of its own. */
describe('the preload', function () {
  this.timeout(20_000);
  let directory: string;
  let socket: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'berth-preload-'));
    socket = join(directory, '1.sock');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await end(child);
    rmSync(directory, { recursive: true });
  });

  function end(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  /** Starts a program and resolves to the first line that it prints. */
  function start(source: string, env: Record<string, string> = {}): Promise<string> {
    const file = join(directory, 'server.cjs');
    writeFileSync(file, source);
    const child = spawn(process.execPath, [`--import=${preload}`, file], {
      env: { ...process.env, PORT: '3000', BERTH_SOCKET: socket, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
    });
  }

  const server = "const server = require('http').createServer((_, answer) => answer.end('here'));";
  const ways: [what: string, listen: string][] = [
    ['a text', 'server.listen(process.env.PORT, ready)'],
    ['a number', 'server.listen(Number(process.env.PORT), "0.0.0.0", ready)'],
    ['options', 'server.listen({ port: process.env.PORT, host: "::" }, ready)'],
    ['a number and an event', 'server.listen(+process.env.PORT).on("listening", ready)'],
  ];
  for (const [what, listen] of ways) {
    it(`moves a listen on PORT as ${what} to the socket, and opens no port`, async () => {
      const said = await start(`${server} const ready = () => { ${listeners} }; ${listen};`);
      assert.deepEqual(JSON.parse(said), { open: 0, address: socket });
      assert.equal((await get(socket, '/', 5000)).body, 'here');
    });
  }

  it('leaves every other listen alone, and all of them without a socket', async () => {
    const other = await start(`${server} server.listen(0, '127.0.0.1', () => { ${listeners} });`);
    assert.equal(JSON.parse(other).open, 1);
    const without = await start(`${server} server.listen(process.env.PORT, () => { ${listeners} });`, {
      PORT: '0',
      BERTH_SOCKET: '',
    });
    assert.equal(JSON.parse(without).open, 1);
  });

  it("refuses Fastify's second listen on localhost as if the address were taken", async () => {
    const said = await start(`${server} server.listen({ port: 3000, host: 'localhost' }, () => {
      const second = require('http').createServer();
      second.on('error', ({ code }) => console.log(code));
      second.listen({ port: server.address().port, host: '::1' });
    });`);
    assert.equal(said, 'EADDRINUSE');
  });

  it('takes the socket that a killed process left, and not one on which another listens', async () => {
    const source = `${server} server.on('error', ({ code }) => console.log(code)).listen(3000, () => console.log('on'));`;
    assert.equal(await start(source), 'on');
    assert.equal(await start(source), 'EADDRINUSE');
    for (const child of children) await end(child);
    assert.ok(existsSync(socket));
    assert.equal(await start(source), 'on');
  });

  it('lets the workers of a cluster share the socket, also after all were killed', async () => {
    const source = `const cluster = require('cluster');
    if (cluster.isPrimary) {
      for (let n = 0; n < 2; n += 1) cluster.fork();
      let on = 0;
      cluster.on('listening', () => { on += 1; if (on === 2) console.log('both'); });
    } else {
      require('http').createServer((_, answer) => answer.end(String(process.pid))).listen(process.env.PORT);
    }`;
    assert.equal(await start(source), 'both');
    const answers = await Promise.all(Array.from({ length: 8 }, () => get(socket, '/', 5000)));
    assert.equal(new Set(answers.map(({ body }) => body)).size, 2);
    await end(children[0] as ChildProcess);
    assert.equal(await start(source), 'both');
  });

  it('hands what a killed process had not taken to another one', async () => {
    const source = `const cluster = require('cluster');
    if (cluster.isPrimary) {
      cluster.fork();
      cluster.fork();
      let on = 0;
      cluster.on('listening', () => { on += 1; if (on === 2) console.log('both'); });
    } else {
      const busy = () => { for (;;); };
      require('http')
        .createServer(({ url }, answer) => answer.end(String(process.pid), url === '/busy' ? busy : undefined))
        .listen(process.env.PORT);
    }`;
    assert.equal(await start(source), 'both');
    const busy = Number((await get(socket, '/busy', 5000)).body);
    const answers = ['/', '/'].map((path) => get(socket, path, 5000));
    await Promise.any(answers);
    process.kill(busy, 'SIGKILL');
    for (const { body } of await Promise.all(answers)) assert.notEqual(Number(body), busy);
  });

  it('asks a process that is replaced to end once its connections have left, with an answer to each', async () => {
    const slow = "require('http').createServer((_, answer) => setTimeout(() => answer.end('here'), 200))";
    await start(`${slow}.listen(process.env.PORT, () => console.log('up'));`, { BERTH_QUIET_MS: '10000' });
    const [child] = children as [ChildProcess];
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const asked = request({ socketPath: socket, agent }, (answer) => {
          answer.setEncoding('utf8').on('data', resolve);
        });
        asked.on('error', reject).end();
      });
    await ask();
    const running = ask();
    child.kill('SIGPWR');
    assert.equal(await running, 'here');
    assert.equal(await ask(), 'here', 'also to what comes later on the same connection');
    assert.equal(child.signalCode, null);
    const ended = once(child, 'exit');
    agent.destroy();
    assert.deepEqual(await ended, [null, 'SIGINT']);
  });
});
