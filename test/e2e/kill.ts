import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Event } from '../../provisioning/events.ts';
import type { Checkout } from './checkout.ts';

/** One line of `berth --json`. */
export type Seen =
  | Event
  | { type: 'step'; title: string; state: string }
  | { type: 'error'; code: string; message: string };

/** `times`: when each was seen, in milliseconds. */
export type Ended = { code: number; seen: Seen[]; times: number[]; killed: boolean };

/** Runs words with `--json` and calls `kill` at the first event that `when` picks, with what kills the operator's side. */
export async function interrupt(
  { root }: Checkout,
  words: string[],
  when: (seen: Seen) => boolean,
  kill: (operator: () => void) => void,
): Promise<Ended> {
  const child = spawn(join(root, 'scripts/berth'), [...words, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended: Ended = { code: 0, seen: [], times: [], killed: false };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const seen = JSON.parse(line) as Seen;
    ended.seen.push(seen);
    ended.times.push(Date.now());
    if (ended.killed || !when(seen)) return;
    ended.killed = true;
    kill(() => child.kill('SIGKILL'));
  });
  ended.code = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 137)));
  return ended;
}

/** SIGKILL to processes that may have ended by themselves meanwhile. */
export function killAll(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The command line of a process; empty: it has ended. */
export const commandOf = (pid: number) => proc(pid, 'cmdline').replaceAll('\0', ' ');

/** The processes of a unit inside a checkout's machine, as this computer numbers them. */
export function processesOf({ root }: Checkout, unit: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const nspawn = pids.find((pid) => {
    const line = proc(pid, 'cmdline');
    return line.startsWith('systemd-nspawn') && line.includes(`${root}/.berth/`);
  });
  const leader = pids.find((pid) => new RegExp(`^PPid:\\s+${nspawn}$`, 'm').test(proc(pid, 'status')));
  const namespace = readlinkSync(`/proc/${leader}/ns/pid`);
  return pids.filter((pid) => proc(pid, 'cgroup').includes(`/${unit}`) && namespaceOf(pid) === namespace);
}

function proc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}
