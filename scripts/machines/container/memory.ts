import { readFileSync } from 'node:fs';

/** What programs could still take on this computer without anything being swapped out. */
export function availableMemoryMiB(): number {
  return Math.floor(
    Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024,
  );
}
