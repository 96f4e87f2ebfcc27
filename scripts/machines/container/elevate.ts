import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BerthError } from '../../../provisioning/errors.ts';
import { run } from '../../process.ts';
import type { Report } from '../../report.ts';
import type { life } from './life.ts';
import { type Message, messagesToReport } from './messages.ts';
import type { LifeOptions } from './options.ts';

/**
 * Has one verb done by a process that sudo makes root; the rest of Berth, and all that it writes, stays the person's.
 * Throws whatever the verb throws.
 */
export async function elevated(verb: keyof typeof life, options: LifeOptions, report: Report): Promise<void> {
  const { signal, ...plain } = options;
  signal?.throwIfAborted();
  const program = join(import.meta.dirname, 'root.ts');
  const child = spawn('sudo', ['-n', '--', process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  // Standard input stays open: its end tells the other side, which we may not signal, that we are gone.
  child.stdin.on('error', () => {}).write(`${JSON.stringify({ verb, options: plain })}\n`);
  const giveUp = () => child.stdin.end();
  signal?.addEventListener('abort', giveUp);
  const played = messagesToReport(report);
  let last: Message | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as Message;
    played.take(last);
  }
  await ended;
  signal?.removeEventListener('abort', giveUp);
  await played.end();
  if (last?.type === 'done') return;
  if (last?.type === 'failed') throw new BerthError(last.code, last.message, last.hint);
  signal?.throwIfAborted();
  throw new BerthError(
    'root_ended',
    `the part of berth that runs as root ended in the middle of ${verb}`,
    'run the same berth command again',
  );
}

/** Throws BerthError `not_root` where sudo is missing or would have to ask. */
export async function assertSudo(): Promise<void> {
  const allowed = await run(['sudo', '-n', 'true']).then(
    ({ code }) => code === 0,
    () => false,
  );
  if (allowed) return;
  throw new BerthError(
    'not_root',
    'container machines need root, and sudo is missing or asks for a password',
    'run: sudo true, then the same berth command again; or run it as root',
  );
}
