import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecked } from '../../process.ts';
import type { Place } from './place.ts';
import { isRunning } from './processes.ts';
import { removeTree } from './remove.ts';
import { until } from './until.ts';

/** What a container is booted with. */
export type BootPlan = { place: Place; bridge: string; memoryMiB: number | undefined };

const supervisor = join(import.meta.dirname, 'supervise.sh');

export function nspawnArgv({ place, bridge }: BootPlan): string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    '--boot',
    // The unit or control group that we made is the machine's; systemd-machined need not exist.
    '--keep-unit',
    '--register=no',
    `--machine=${place.id}`,
    `--hostname=${place.name}`,
    `--directory=${place.rootfs}`,
    `--network-bridge=${bridge}`,
    // These are files of the machine, as on any other.
    '--resolv-conf=off',
    '--timezone=off',
    '--link-journal=no',
    '--settings=no',
    '--console=read-only',
  ];
}

/** A transient unit, as systemd's own systemd-nspawn@.service has it. */
export function unitArgv(plan: BootPlan): string[] {
  const properties = [
    'Type=notify',
    'KillMode=mixed',
    'Delegate=yes',
    'TasksMax=16384',
    // The system inside asked for a reboot.
    'RestartForceExitStatus=133',
    'SuccessExitStatus=133',
    'DevicePolicy=closed',
    'DeviceAllow=/dev/net/tun rwm',
    'DeviceAllow=char-pts rw',
    ...(plan.memoryMiB === undefined ? [] : [`MemoryMax=${plan.memoryMiB}M`]),
  ];
  return [
    'systemd-run',
    '--quiet',
    '--collect',
    `--unit=${plan.place.id}`,
    '--slice=machine.slice',
    `--description=Berth machine ${plan.place.name} (${plan.place.directory})`,
    ...properties.map((property) => `--property=${property}`),
    '--',
    ...nspawnArgv(plan),
  ];
}

export function supervisorArgv(plan: BootPlan): string[] {
  const bytes = (plan.memoryMiB ?? 0) * 1024 * 1024;
  return [
    // Slave: ours stay inside, and what the computer unmounts is not held on to.
    ...['unshare', '--mount', '--propagation', 'slave', '--'],
    ...['sh', supervisor, 'run', plan.place.id, String(bytes)],
    ...nspawnArgv(plan),
  ];
}

/** Starts the supervisor of a container that has none, and does not wait for the boot. */
export async function supervise(plan: BootPlan): Promise<void> {
  // Where it does not come up awaitSsh sees it, and shows the unit's journal.
  if (systemdRunsThisComputer()) await run(unitArgv(plan));
  else await detach(supervisorArgv(plan), plan.place);
}

/** Removes what a supervisor that was killed left behind; the machine's processes are gone already. */
export async function sweep(place: Place): Promise<void> {
  if (systemdRunsThisComputer()) {
    await run(['systemctl', 'stop', `${place.id}.service`]);
    await run(['systemctl', 'reset-failed', `${place.id}.service`]);
  } else await runChecked(['unshare', '--mount', '--', 'sh', supervisor, 'sweep', place.id]);
  // nspawn's doors into a running container and its lock on the tree, which it leaves behind, mounts included.
  for (const door of ['propagate', 'unix-export'])
    await removeTree(`/run/systemd/nspawn/${door}/${place.id}`);
  const tree = statSync(place.rootfs, { throwIfNoEntry: false });
  if (tree !== undefined) rmSync(`/run/systemd/nspawn/locks/inode-${tree.dev}:${tree.ino}`, { force: true });
}

/** sd_booted(3)'s own test. */
export function systemdRunsThisComputer(): boolean {
  return existsSync('/run/systemd/system');
}

/** Runs on after this process, in a session of its own and out of the checkout's directory. */
async function detach([program = '', ...args]: string[], place: Place): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants;
  const output = openSync(place.console, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output], cwd: '/' });
    await once(child, 'spawn');
    // Until it has joined its control group nobody could know it for the machine's.
    await until(() => isRunning(place.id) || child.exitCode !== null || child.signalCode !== null, 10_000);
    child.unref();
  } finally {
    closeSync(output);
  }
}
