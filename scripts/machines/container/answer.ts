import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { BerthError } from '../../../provisioning/errors.ts';
import { keptPort } from '../../ports.ts';
import { lastLines, run } from '../../process.ts';
import { systemdRunsThisComputer } from './boot.ts';
import type { Place } from './place.ts';
import { isRunning, leaderOf } from './processes.ts';
import { until } from './until.ts';

const limitMs = 90_000;

/**
 * Waits until the machine's sshd answers and lets everybody in, not only root.
 * Throws BerthError `boot_failed`, `ssh_silent`.
 */
export async function awaitSsh(
  place: Place,
  address: string,
  { signal, sshPort = 22 }: { signal?: AbortSignal | undefined; sshPort?: number },
): Promise<void> {
  const ports = [...new Set([sshPort, 22, keptPort(place.directory) ?? 22])];
  const answersAt = async () => (await Promise.all(ports.map((port) => greets(address, port)))).some(Boolean);
  signal?.throwIfAborted();
  let down = false;
  const answers = await until(
    async () => {
      down = !isRunning(place.id);
      return down || ((await answersAt()) && !refusesLogins(place.id));
    },
    limitMs,
    signal,
  );
  if (answers && !down) return;
  const said = await consoleOf(place);
  throw down
    ? new BerthError(
        'boot_failed',
        `the machine ${place.name} did not boot:\n${said}`,
        'run: berth destroy, then berth up',
      )
    : new BerthError(
        'ssh_silent',
        `the machine ${place.name} runs, but no sshd answers at ${address}:${ports.join(' or ')} after ${limitMs / 1000} s:\n${said}`,
        'run: berth down, then berth up; if that does not help: berth destroy, then berth up',
      );
}

/** Whether an SSH server speaks at the address; false also for one that accepts and says nothing for a second. */
export function greets(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    socket.once('data', (data) => answer(data.toString('latin1').startsWith('SSH-')));
  });
}

/** pam_nologin turns everyone but root away until the boot is through. */
function refusesLogins(id: string): boolean {
  const leader = leaderOf(id);
  return leader === undefined || existsSync(`/proc/${leader}/root/run/nologin`);
}

async function consoleOf(place: Place): Promise<string> {
  if (systemdRunsThisComputer()) {
    return (
      await run(['journalctl', '--unit', place.id, '--lines=15', '--no-pager', '--output=cat'])
    ).stdout.trim();
  }
  return existsSync(place.console) ? lastLines(readFileSync(place.console, 'utf8'), 15) : '(it said nothing)';
}
