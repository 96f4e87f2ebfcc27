import { setTimeout as wait } from 'node:timers/promises';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { holder, type RunInfo, runUnit } from './runs.ts';

export type UnlockInput = {
  /** The run that the person saw and wants to end. */
  id: string;
  /** Kills it at once, with all that it started. */
  force: boolean;
};

/**
 * Ends the run that holds the machine: it stops after the change in hand, as by Ctrl-C, or is killed by force.
 * Returns once it is over.
 *
 * @throws BerthError `locked` when another run holds the machine by now
 */
export async function unlock({ id, force }: UnlockInput, { host }: { host: Host }): Promise<void> {
  let asked = false;
  for (;;) {
    host.forget();
    const held = await holder(undefined, { host });
    if (held === null) return;
    if (held.id !== id) throw another(held);
    if (!asked) await host.run(['systemctl', 'kill', ...(force ? killed : told), runUnit]);
    asked = true;
    await wait(100);
  }
}

const told = ['--kill-whom=main', '--signal=SIGTERM'];
const killed = ['--signal=SIGKILL'];

function another({ verb, by }: RunInfo): BerthError {
  return new BerthError(
    'locked',
    `that run is over, and the machine is held by the ${verb} of ${by} by now`,
    'run berth unlock again if that one shall end too',
  );
}
