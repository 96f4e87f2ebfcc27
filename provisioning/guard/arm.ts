import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import type { Guarded } from '../events.ts';
import type { Host } from '../host.ts';
import { newRunId } from '../ids.ts';
import type { Risk } from '../resources/resource.ts';
import { type Batch, batches, type Changed, guardDirectory, undoService, undoTimer } from './batch.ts';
import { ticksNow } from './clock.ts';
import { save } from './save.ts';

const own = { mode: 0o600, owner: 'root', group: 'root' };

/** What the engine does about risky changes. */
export type Guard = {
  /** Keeps the old state and sees to it that it comes back; before the first change. */
  arm(risks: Risk[]): Promise<void>;
  /** The next change is about to be made: the time begins anew, since a busy machine is slow, not stuck. */
  goOn(): Promise<void>;
  /** All changes are made: from here on there is `confirm_within` to confirm them. */
  changed(): Promise<Guarded>;
  /** Takes the changes back at once. */
  undo(): Promise<void>;
};

export function createGuard(host: Host, about: Omit<Batch, 'id'>): Guard {
  const id = newRunId();
  const directory = join(guardDirectory, `armed.${id}`);
  /** False: the machine has taken the changes back meanwhile. */
  async function end(): Promise<Changed | null> {
    const ticks = await ticksNow(host);
    const changed = { ticks, until: new Date(Date.now() + about.withinMs).toISOString() };
    if (!(await host.stat(directory))) return null;
    await host.write(join(directory, 'changed'), JSON.stringify(changed), own);
    return changed;
  }
  return {
    arm: (risks) => arm(host, { ...about, id }, risks),
    async goOn() {
      await host.must(['systemctl', 'restart', undoTimer]);
    },
    async changed() {
      await host.must(['systemctl', 'restart', undoTimer]);
      const changed = await end().catch(() => null);
      if (changed === null || !(await host.stat(directory))) throw tooSlow(about.withinMs);
      return { id, until: changed.until, withinMs: about.withinMs };
    },
    async undo() {
      await end().catch(() => null);
      await undoNow(host);
    },
  };
}

async function arm(host: Host, batch: Batch, risks: Risk[]): Promise<void> {
  const preparing = join(guardDirectory, 'preparing');
  for (const name of await host.list(guardDirectory)) {
    if (/^(preparing$|undone\.|confirmed\.)/.test(name)) await host.remove(join(guardDirectory, name));
  }
  await host.mkdir(preparing, { ...own, mode: 0o700 });
  await save(host, risks, preparing);
  const texts = {
    'batch.json': JSON.stringify(batch),
    by: `${batch.by}\n`,
    // By this undo.sh knows the run that is still at it.
    invocation: process.env.INVOCATION_ID ?? '',
  };
  for (const [name, content] of Object.entries(texts)) await host.write(join(preparing, name), content, own);
  await host.must(['sync', '--file-system', '--', preparing]);
  await host.must(['systemctl', 'restart', undoTimer]);
  await host.must([
    'mv',
    '--no-target-directory',
    '--',
    preparing,
    join(guardDirectory, `armed.${batch.id}`),
  ]);
  await host.must(['sync', '--', guardDirectory]);
  await host.must(['systemctl', 'is-active', '--quiet', undoTimer]);
}

/** Takes back whatever is not confirmed; returns once it is done. */
export async function undoNow(host: Host): Promise<void> {
  await host.run(['systemctl', 'reset-failed', undoService]);
  const { code } = await host.run(['systemctl', 'start', undoService]);
  host.forget();
  const left = (await batches(host)).filter(({ state }) => state === 'armed' || state === 'undoing');
  if (code === 0 && left.length === 0) return;
  throw new BerthError(
    'undo_failed',
    `the machine could not take back all of a risky change; it tries again for ten minutes`,
    `see why on the machine: journalctl -u ${undoService}`,
  );
}

function tooSlow(withinMs: number): BerthError {
  return new BerthError(
    'not_confirmed',
    `the risky changes took longer than ${withinMs / 1000} s and the machine took them back`,
    'raise confirm_within in the hosts file and run the same command again',
  );
}
