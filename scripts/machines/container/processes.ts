import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * The processes of a machine, told by their control group: a number that the kernel has given to another process
 * since is never taken for one of them, and none is missed, whoever its parent is by now.
 */
export type MachineProcess = {
  pid: number;
  /** `keeper`: our supervisor; `machine`: nspawn and everything inside. */
  role: 'keeper' | 'machine';
};

export function processesOf(id: string): MachineProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const role = roleIn(id, readIfThere(`/proc/${pid}/cgroup`));
      return role === undefined || hasEnded(pid) ? [] : [{ pid: Number(pid), role }];
    });
}

/** Whether any process of the machine runs; one file read where the unified hierarchy can be seen. */
export function isRunning(id: string): boolean {
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    if (!existsSync(`${root}/cgroup.controllers`)) continue;
    return [id, `machine.slice/${id}.service`].some((group) => populated(`${root}/${group}/cgroup.events`));
  }
  return processesOf(id).length > 0;
}

/** Reads `/proc/PID/cgroup`; the unified hierarchy's line starts with `0::`. */
export function roleIn(id: string, cgroups: string): MachineProcess['role'] | undefined {
  const path = /^0::(.*)$/m.exec(cgroups)?.[1]?.split('/') ?? [];
  const at = path.findIndex((part) => part === id || part === `${id}.service`);
  if (at < 0) return undefined;
  return path[at + 1] === 'keeper' ? 'keeper' : 'machine';
}

/** Gone, or only waiting for a parent who is slow to notice. */
function hasEnded(pid: string): boolean {
  return !/^[^ZX]/.test(statOf(pid)[0] ?? '');
}

/** The container's own process 1, as this computer numbers it; undefined while there is none. */
export function leaderOf(id: string): number | undefined {
  const level = pidLevels(readIfThere('/proc/self/status')).length + 1;
  return processesOf(id).find(({ pid }) => {
    const levels = pidLevels(readIfThere(`/proc/${pid}/status`));
    return levels.length === level && levels.at(-1) === 1;
  })?.pid;
}

/** When a process started; undefined if it is gone. */
export function startedAt(pid: number): Date | undefined {
  const ticks = Number(statOf(pid)[19]);
  const boot = Number(/^btime (\d+)$/m.exec(readIfThere('/proc/stat'))?.[1]);
  return Number.isFinite(ticks) ? new Date((boot + ticks / 100) * 1000) : undefined;
}

function populated(events: string): boolean {
  return /^populated 1$/m.test(readIfThere(events));
}

/** The fields of proc_pid_stat(5) from the third on; the name before them may hold anything, parentheses too. */
function statOf(pid: number | string): string[] {
  return readIfThere(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
}

/** A process's number in each process namespace that it is seen in, the outermost first. */
function pidLevels(status: string): number[] {
  return /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
}

/** Empty for what a process that has ended meanwhile had. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
