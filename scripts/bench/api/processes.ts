import { readdir, readFile } from 'node:fs/promises';

/** What Linux counts in: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;

/** The processor time, in seconds, that a process and those below it have had so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const processes = await readProcesses();
  const ids = new Set([pid]);
  // A parent is older than its child; ids are given in turn, but for the rare wrap.
  for (const { id, parent } of processes) if (ids.has(parent)) ids.add(id);
  const ticks = processes.filter(({ id }) => ids.has(id)).reduce((sum, process) => sum + process.ticks, 0);
  return ticks / TICKS_PER_SECOND;
}

/** The processes that a process has started. */
export async function childrenOf(pid: number): Promise<number[]> {
  return (await readProcesses()).filter(({ parent }) => parent === pid).map(({ id }) => id);
}

async function readProcesses() {
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(entries.map(read));
  return processes.filter((process) => process !== undefined).sort((a, b) => a.id - b.id);
}

async function read(id: string) {
  const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => undefined);
  // The name, in parentheses, may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (
    fields && { id: Number(id), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  );
}
