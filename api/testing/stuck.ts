import { watchEventLoop } from '../tasks/watchdog.ts';

/** Turns for longer than it may not, and then never again. */
watchEventLoop(1_000);
setTimeout(() => {
  console.log('turning');
  for (;;);
}, 4_000);
