import { join } from 'node:path';
import type { Host } from '../host.ts';

/**
 * Risky changes that were made together and are confirmed together. Each batch is a directory here, and its name says
 * how far it is: `preparing`, `armed.<id>` (taken back unless confirmed), `undoing.<id>`, then `undone.<id>` or
 * `confirmed.<id>`. Each step is one rename, so that `undo.sh` and a confirmation can never both happen.
 */
export const guardDirectory = '/var/lib/berth/guard';

export const undoService = 'berth-undo.service';
export const undoAtBoot = 'berth-undo-boot.service';
export const undoTimer = 'berth-undo.timer';

export type BatchState = 'armed' | 'undoing' | 'undone' | 'confirmed';

/** `batch.json` in its directory. */
export type Batch = {
  id: string;
  /** `user@computer` of who asked for it. */
  by: string;
  /** The user as whom a new login confirms it. */
  user: string;
  withinMs: number;
};

/** `changed` in its directory: written once the run behind it changes nothing any more. */
export type Changed = {
  /** The machine's clock ticks since its boot, see `clock.ts`. */
  ticks: number;
  /** When it is taken back, ISO 8601, UTC. */
  until: string;
};

export type FoundBatch = Batch & { state: BatchState; directory: string; changed: Changed | null };

/** Every batch that is there: the last one, and normally no other. */
export async function batches(host: Host): Promise<FoundBatch[]> {
  const names = await host.list(guardDirectory);
  const found = names.map(async (name) => {
    const [, state] = /^(armed|undoing|undone|confirmed)\./.exec(name) ?? [];
    const directory = join(guardDirectory, name);
    const text = state && (await host.read(join(directory, 'batch.json')));
    if (!text) return [];
    const changed = JSON.parse((await host.read(join(directory, 'changed'))) ?? 'null') as Changed | null;
    return [{ ...(JSON.parse(text) as Batch), state: state as BatchState, directory, changed }];
  });
  return (await Promise.all(found)).flat();
}

/** How far a batch is, for an operator's side that waits for it; null: it is not known any more. */
export async function batchState(
  { id }: { id: string },
  { host }: { host: Host },
): Promise<BatchState | null> {
  return (await batches(host)).find((batch) => batch.id === id)?.state ?? null;
}

/** Moves a batch on. False: it is not in that state any more, for somebody else has moved it. */
export async function move(host: Host, id: string, from: BatchState, to: BatchState): Promise<boolean> {
  const path = (state: BatchState) => join(guardDirectory, `${state}.${id}`);
  const { code } = await host.run(['mv', '--no-target-directory', '--', path(from), path(to)]);
  if (code === 0) await host.run(['sync', '--', guardDirectory]);
  return code === 0;
}
