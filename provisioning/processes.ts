import type { Host } from './host.ts';

/** One process of the machine, as /proc tells it (proc_pid_stat(5)). */
export type Process = {
  pid: number;
  parent: number;
  /** Processor time so far, in ticks. */
  ticks: number;
  /** Ticks after the boot. */
  startedAt: number;
  memoryBytes: number;
};

/** The kernel's USER_HZ, the same on every platform that Berth knows. */
export const ticksASecond = 100;
const pageBytes = 4096;

/** Every process that runs, by its pid. */
export async function readProcesses(host: Host): Promise<Map<number, Process>> {
  const pids = (await host.list('/proc')).map(Number).filter(Number.isInteger);
  const all = await Promise.all(pids.map(async (pid) => parseStat((await readOf(host, pid, 'stat')) ?? '')));
  return new Map(all.flatMap((process) => (process ? [[process.pid, process] as const] : [])));
}

export function parseStat(text: string): Process | null {
  const [, pid, rest] = /^(\d+) \(.*\) (.*)$/s.exec(text) ?? [];
  if (pid === undefined || rest === undefined) return null;
  // What follows the name in parentheses begins with field 3.
  const field = (number: number) => Number(rest.split(' ')[number - 3]);
  return {
    pid: Number(pid),
    parent: field(4),
    ticks: field(14) + field(15),
    startedAt: field(22),
    memoryBytes: field(24) * pageBytes,
  };
}

/** The variables that a process was started with; empty where it has ended meanwhile. */
export async function environmentOf(host: Host, pid: number): Promise<Map<string, string>> {
  const text = (await readOf(host, pid, 'environ')) ?? '';
  return new Map(
    text.split('\0').map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** A process and all that it has started. */
export function familyOf(processes: Map<number, Process>, pid: number): Process[] {
  const own = processes.get(pid);
  const children = [...processes.values()].filter(({ parent }) => parent === pid);
  return [...(own ? [own] : []), ...children.flatMap((child) => familyOf(processes, child.pid))];
}

/** null: the process ended while it was read. */
async function readOf(host: Host, pid: number, file: string): Promise<string | null> {
  return host.read(`/proc/${pid}/${file}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ESRCH') return null;
    throw error;
  });
}
