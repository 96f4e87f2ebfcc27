import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import { batches, type FoundBatch, move, undoTimer } from './batch.ts';
import { sessionTicks, ticksNow, ticksPerSecond } from './clock.ts';

/**
 * Lets a batch of risky changes stay. Only for the admin user, by sudo, in a login that began after the changes were
 * made: that is the proof that people still get in.
 *
 * @throws BerthError `not_confirmed`, which names what is missing
 */
export async function confirm({ id }: { id: string }, { host }: { host: Host }): Promise<void> {
  const batch = (await batches(host)).find((one) => one.id === id);
  // The answer to an earlier try may have been lost.
  if (batch?.state === 'confirmed') return;
  if (batch?.state !== 'armed') throw refused(`it was taken back already`);
  await requireNewLogin(host, batch);
  if (!(await move(host, id, 'armed', 'confirmed'))) throw refused('it is being taken back just now');
  await host.run(['systemctl', 'stop', undoTimer]);
  await host.remove(join(batch.directory.replace('armed.', 'confirmed.'), 'files'));
}

async function requireNewLogin(host: Host, { user, changed, withinMs }: FoundBatch): Promise<void> {
  if (changed === null) throw refused('its changes are still being made');
  const as = process.env.SUDO_USER ?? 'root itself';
  if (as !== user) throw refused(`it was asked for by ${as}, not by ${user} with sudo`);
  const session = await sessionTicks(host, process.ppid);
  if (session === null) throw refused('it was not asked for by an SSH login');
  if (session < changed.ticks) throw refused('the login that asked is older than the change');
  const late = (await ticksNow(host)) > changed.ticks + (withinMs / 1000) * ticksPerSecond;
  if (late) throw refused(`its ${withinMs / 1000} s are over`);
}

function refused(why: string): BerthError {
  return new BerthError(
    'not_confirmed',
    `the risky change is not confirmed: ${why}`,
    'mend the setting, or what keeps you from logging in, and run the same command again',
  );
}
