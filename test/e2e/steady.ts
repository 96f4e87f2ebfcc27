import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';

/** One answer, or why there was none. */
export type Seen = { at: number; status: number; text: string; error?: string };

export type Steady = { seen: Seen[]; stop(): Promise<void> };

/** Clients that each keep one connection and ask for a path again and again. */
export function askSteadily(
  { url, ca }: { url: string; ca: string },
  { path, clients, everyMs }: { path: string; clients: number; everyMs: number },
): Steady {
  const agent = new Agent({ keepAlive: true, maxSockets: clients, ca: readFileSync(ca, 'utf8') });
  const seen: Seen[] = [];
  let running = true;
  const all = Array.from({ length: clients }, async () => {
    while (running) {
      seen.push(await ask(new URL(path, url), agent));
      await wait(everyMs);
    }
  });
  return {
    seen,
    async stop() {
      running = false;
      await Promise.all(all);
      agent.destroy();
    },
  };
}

function ask(url: URL, agent: Agent): Promise<Seen> {
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve({ at: Date.now(), status: 0, text: '', error: error.message });
    const asked = request(url, { agent, timeout: 20_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('error', fail);
      answer.on('end', () => resolve({ at: Date.now(), status: answer.statusCode ?? 0, text }));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 20 s')));
    asked.on('error', fail);
    asked.end();
  });
}

/** Seconds from the first to the last answer that is not as it should be; 0: there is none. */
export function outage(seen: Seen[], isFine: (one: Seen) => boolean): number {
  const bad = seen.filter((one) => !isFine(one)).map(({ at }) => at);
  return bad.length === 0 ? 0 : (Math.max(...bad) - Math.min(...bad)) / 1000;
}
