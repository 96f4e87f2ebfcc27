import type { Host } from '../host.ts';

/** Clock ticks a second in /proc, on every architecture (proc(5), USER_HZ). */
export const ticksPerSecond = 100;

export type Process = { name: string; parent: number; startedTicks: number };

/** Of /proc/<pid>/stat. A process's name may hold spaces and parentheses. */
export function parseStat(text: string): Process {
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { name, parent: Number(fields[1]), startedTicks: Number(fields[19]) };
}

/** Ticks since the boot, by the clock that processes' start times are in: no change of the time of day moves it. */
export async function ticksNow(host: Host): Promise<number> {
  return parseStat(await host.must(['cat', '/proc/self/stat'])).startedTicks;
}

/** When the SSH session began that this process is part of; null: it is part of none. */
export async function sessionTicks(host: Host, pid: number): Promise<number | null> {
  for (let at = pid; at > 1; ) {
    const text = await host.read(`/proc/${at}/stat`);
    if (text === null) return null;
    const { name, parent, startedTicks } = parseStat(text);
    // OpenSSH 9.8 gave sessions a program of their own.
    if (name === 'sshd' || name === 'sshd-session') return startedTicks;
    at = parent;
  }
  return null;
}
