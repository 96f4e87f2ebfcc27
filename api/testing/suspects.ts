import type { Suspect } from '../tasks/quarantine.ts';

/** Tries what a quarantine asks it to: a kind is the name of what happens. */
process.on('message', ({ kind, started }: Suspect) => {
  if (kind === 'exit') process.exit(3);
  if (kind === 'kill') process.kill(process.pid, 'SIGKILL');
  if (kind === 'odd' && started.id % 2 === 1) process.exit(4);
  if (kind === 'hang') return;
  if (kind === 'loop') for (;;);
  process.send?.(kind === 'pid' ? { refused: String(process.pid) } : 'done');
});
