import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import { requireDisk } from './disk.ts';

const everyMs = 200;

/** Kills a unit that fills a disk, or when the operator asks to. */
export function guard(host: Host, unit: string, stop: AbortSignal) {
  let reason: unknown;
  const kill = (why: unknown) => {
    reason ??= why;
    void host.run(['systemctl', 'stop', '--no-block', unit]);
  };
  const stopped = () => kill(new BerthError('stopped', 'stopped on request', 'push again'));
  stop.addEventListener('abort', stopped);
  const timer = setInterval(() => void requireDisk().catch(kill), everyMs);
  return {
    /** Why it was killed, if it was. */
    reason: () => reason,
    end() {
      clearInterval(timer);
      stop.removeEventListener('abort', stopped);
    },
  };
}
