import { setTimeout as wait } from 'node:timers/promises';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { undoNow } from './arm.ts';
import { batches } from './batch.ts';

/**
 * Before an apply: ends what an earlier one has left unconfirmed. One's own, or one whose run is dead, is taken back at
 * once; somebody else's may still be confirmed, so its time is waited for.
 */
export async function settleEarlier(
  host: Host,
  by: string,
  { emit, stop }: { emit: (event: Event) => void; stop: AbortSignal },
): Promise<void> {
  for (;;) {
    const found = await batches(host);
    if (found.some(({ state }) => state === 'undoing')) return undoNow(host);
    const armed = found.find(({ state }) => state === 'armed');
    if (!armed) return;
    const { changed } = armed;
    if (armed.by === by || changed === null || Date.parse(changed.until) < Date.now()) {
      emit({ type: 'notice', text: `a change of ${armed.by} that was never confirmed was taken back first` });
      return undoNow(host);
    }
    emit({ type: 'progress', text: `${armed.by} has until ${changed.until} to confirm an earlier change` });
    if (stop.aborted) throw stopped(armed.by);
    await wait(500);
  }
}

function stopped(by: string): BerthError {
  return new BerthError(
    'stopped',
    `stopped on request while it waited for ${by} to confirm an earlier change`,
    'run the same command again',
  );
}
