import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { bridgeOf, parseRange } from '../../scripts/machines/container/range.ts';
import { type RunResult, run, runChecked } from '../../scripts/process.ts';
import { eventually } from './computer.ts';

/** The bridge that the machines of the tests are on. */
export const bridge = bridgeOf(parseRange('10.77.0.0/24'));

/** Another computer on the machines' network: a network namespace with an address of each family. */
export type Stranger = {
  readonly address: string;
  readonly address6: string;
  /** Runs a program there. */
  run(argv: string[], options?: { timeoutMs?: number }): Promise<RunResult>;
  remove(): Promise<void>;
};

/** `last` is the last byte of its addresses, above those that machines have. */
export async function stranger(last: number, prefix6: string): Promise<Stranger> {
  // Its end takes the namespace and with it the pair of interfaces along.
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  const pid = String(holder.pid);
  const ended = once(holder, 'exit');
  await eventually('a namespace of its own', 10, async () =>
    readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net') ? undefined : true,
  );
  const inside = (argv: string[]) => ['nsenter', '--target', pid, '--net', ...argv];
  const [address, address6] = [`10.77.0.${last}`, `${prefix6}::${last}`];
  const link = `bs${pid}`;
  const mtu = readFileSync(`/sys/class/net/${bridge}/mtu`, 'utf8').trim();
  const peer = ['peer', 'name', 'eth0', 'mtu', mtu, 'netns', pid];
  await runChecked(['ip', 'link', 'add', link, 'mtu', mtu, 'type', 'veth', ...peer]);
  await runChecked(['ip', 'link', 'set', link, 'master', bridge, 'up']);
  for (const one of [
    ['link', 'set', 'eth0', 'up'],
    ['address', 'add', `${address}/24`, 'dev', 'eth0'],
    ['address', 'add', `${address6}/64`, 'dev', 'eth0', 'nodad'],
  ]) {
    await runChecked(inside(['ip', ...one]));
  }
  return {
    address,
    address6,
    run: (argv, options = {}) => run(inside(argv), options),
    async remove() {
      holder.kill();
      await ended;
      await eventually('the end of its interfaces', 10, async () =>
        (await run(['ip', 'link', 'show', link])).code === 0 ? undefined : true,
      );
    },
  };
}
