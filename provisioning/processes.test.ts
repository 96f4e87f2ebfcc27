import assert from 'node:assert/strict';
import { createHost } from './host.ts';
import { environmentOf, familyOf, parseStat, readProcesses } from './processes.ts';

describe('the processes of a machine', () => {
  it('are read from /proc/<pid>/stat, whatever their name', () => {
    const line = '42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 11 0 12345 1000 2048 184467\n';
    const expected = { pid: 42, parent: 7, ticks: 200, startedAt: 12345, memoryBytes: 2048 * 4096 };
    assert.deepEqual(parseStat(line), expected);
    assert.equal(parseStat(''), null);
  });

  it('have families', () => {
    const process = (pid: number, parent: number) => [pid, { ...none, pid, parent }] as const;
    const none = { ticks: 0, startedAt: 0, memoryBytes: 0 };
    const all = new Map([process(1, 0), process(2, 1), process(3, 2), process(4, 1)]);
    assert.deepEqual(
      familyOf(all, 2).map(({ pid }) => pid),
      [2, 3],
    );
  });

  it('are found on this computer', async function () {
    if (process.platform !== 'linux') this.skip();
    const host = createHost();
    const own = (await readProcesses(host)).get(process.pid);
    assert.ok(own && own.memoryBytes > 1e6 && own.parent === process.ppid);
    assert.equal((await environmentOf(host, process.pid)).get('PATH'), process.env.PATH);
    assert.equal((await environmentOf(host, 999_999_999)).size, 1);
  });
});
