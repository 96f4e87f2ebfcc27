import { once } from 'node:events';
import type { Duplex } from 'node:stream';

/** A crowd that takes its time. */
export interface SlowClients {
  /** How many of each are still connected. */
  left(): { headers: number; body: number };
  stop(): void;
}

const REQUESTS = {
  headers: 'GET /api/livez HTTP/1.1\r\nHost: slow\r\nX-Slow: ',
  body: 'POST /api/login HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n',
};

/** Connects so many, of whom each sends a byte a second: half of them of the headers, the others of the body. */
export async function slowClients(
  open: () => { stream: Duplex; ready: 'connect' | 'secureConnect' },
  count: number,
): Promise<SlowClients> {
  const clients = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { stream, ready } = open();
      await once(stream, ready);
      // Hung up on, as it should be at last.
      stream.on('error', () => {}).resume();
      const sends = index % 2 === 0 ? ('headers' as const) : ('body' as const);
      stream.write(REQUESTS[sends]);
      return { stream, sends };
    }),
  );
  const timer = setInterval(() => {
    for (const { stream } of clients) if (stream.writable) stream.write(' ');
  }, 1_000);
  const left = (part: string) =>
    clients.filter(({ stream, sends }) => sends === part && stream.writable && stream.readable).length;
  return {
    left: () => ({ headers: left('headers'), body: left('body') }),
    stop() {
      clearInterval(timer);
      for (const { stream } of clients) stream.destroy();
    },
  };
}
