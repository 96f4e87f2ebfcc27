import { watchEventLoop } from '../tasks/watchdog.ts';

/** Turns for longer than it may not, and then never again. */
// Not as long as one of the watcher's own turns, beside which it would end by chance.
watchEventLoop(1_500);
setTimeout(() => {
  console.log('turning');
  for (;;);
}, 4_000);
