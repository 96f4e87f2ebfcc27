import { setTimeout as wait } from 'node:timers/promises';
import { BerthError, messageOf } from '../provisioning/errors.ts';
import type { Guarded } from '../provisioning/events.ts';
import type { BatchState } from '../provisioning/guard/batch.ts';
import { timeOfDay } from './clock.ts';
import type { Context } from './command.ts';
import type { MachineSide } from './machine-side.ts';

/** A machine that answers no more until then has taken its change back all the same; only nobody saw it. */
const seenWithinMs = 30_000;

/**
 * Confirms risky changes by what they must still allow: a new login as the admin user, who becomes root. Where that is
 * not possible, waits until the machine has taken them back.
 *
 * @throws BerthError `not_confirmed`, which says what failed and when the machine takes the changes back
 */
export async function confirmChange(context: Context, side: MachineSide, guarded: Guarded): Promise<void> {
  const { report } = context;
  // By this computer's clock: the machine's may be another.
  const until = Date.now() + guarded.withinMs;
  await report.step('confirms the change by a new login', async (detail) => {
    const failure = await tryToConfirm(context, side, guarded.id, until, detail);
    if (failure === undefined) return;
    detail(`waits for the machine to take the change back at ${timeOfDay(until)}`);
    const state = await outcome(context, side, guarded.id, until + seenWithinMs);
    if (state !== 'confirmed') throw notConfirmed(failure, state === 'undone', until);
  });
}

/** Tries again, with growing pauses: a program that reads its settings anew may refuse for a moment. */
async function tryToConfirm(
  { signal }: Context,
  side: MachineSide,
  id: string,
  until: number,
  detail: (text: string) => void,
): Promise<unknown> {
  let failure: unknown;
  for (let pauseMs = 1000; ; pauseMs *= 2) {
    try {
      await side.askAnew('confirm', { id }, Math.max(1000, until - Date.now()));
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      // One that was given up for want of time says less than the one before.
      if (failure === undefined || !isCode(error, 'command_timeout')) failure = error;
    }
    if (isCode(failure, 'not_confirmed') || Date.now() + pauseMs > until) return failure;
    detail(`taken back at ${timeOfDay(until)}, since ${messageOf(failure)}`);
    await wait(pauseMs, undefined, { signal });
  }
}

async function outcome(
  { signal }: Context,
  side: MachineSide,
  id: string,
  deadline: number,
): Promise<BatchState | null> {
  for (;;) {
    const state = await side.ask<BatchState | null>('batchState', { id }).catch(() => {
      signal.throwIfAborted();
      return null;
    });
    if (state === 'undone' || state === 'confirmed' || Date.now() > deadline) return state;
    await wait(500, undefined, { signal });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof BerthError && error.code === code;
}

function notConfirmed(failure: unknown, undone: boolean, until: number): BerthError {
  const back = undone
    ? 'The machine has taken the change back and is reached as before.'
    : `The machine takes the change back at ${timeOfDay(until)}.`;
  return new BerthError(
    'not_confirmed',
    `no new login could confirm the change of logins or the firewall: ${messageOf(failure)}\n${back}`,
    'mend the setting that keeps the admin user out, then run the same command again',
    { cause: failure },
  );
}
