import { BerthError } from '../../../provisioning/errors.ts';
import { systemdRunsThisComputer } from './boot.ts';
import type { Place } from './place.ts';
import { isRunning, leaderOf, processesOf } from './processes.ts';
import { until } from './until.ts';

/** SIGRTMIN+4 asks systemd for a power-off; Node has no name for real-time signals, glibc's first is 34. */
const powerOffSignal = 34 + 4;

/** Whether somebody boots the machine again when it asks for a reboot. */
export function isKept(id: string): boolean {
  return systemdRunsThisComputer() || processesOf(id).some(({ role }) => role === 'keeper');
}

/** Asks the system inside to power off; after `deadlineMs` it is killed. Says whether it went by itself. */
export async function powerOff(place: Place, deadlineMs = 45_000): Promise<boolean> {
  const deadline = Date.now() + deadlineMs;
  while (isRunning(place.id) && Date.now() < deadline) {
    const leader = leaderOf(place.id);
    // Again and again: the kernel drops it while systemd, just begun, has no handler for it yet.
    if (leader !== undefined) signal(leader, powerOffSignal);
    await until(() => !isRunning(place.id), Math.min(2000, deadline - Date.now()));
  }
  if (!isRunning(place.id)) return true;
  await killAll(place);
  return false;
}

/** Ends every process of the machine at once. Throws BerthError `machine_unkillable`. */
export async function killAll(place: Place): Promise<void> {
  const deadline = Date.now() + 15_000;
  // Round by round, and the keeper first: whoever forks faster than we read is met in the next round.
  while (isRunning(place.id) && Date.now() < deadline) {
    const processes = processesOf(place.id).sort((a) => (a.role === 'keeper' ? -1 : 1));
    for (const { pid } of processes) signal(pid, 'SIGKILL');
    await until(() => !isRunning(place.id), 200);
  }
  if (!isRunning(place.id)) return;
  throw new BerthError(
    'machine_unkillable',
    `processes of the machine ${place.name} do not end: ${processesOf(place.id).map(({ pid }) => pid)}`,
    'they wait for the kernel, most likely for a disk; look with: ps -o pid,stat,wchan,args -p PID',
  );
}

function signal(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
