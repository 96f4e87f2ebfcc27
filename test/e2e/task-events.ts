import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { TaskTrial } from './task-trial.ts';

export type TaskEvent = {
  id: number;
  task: { status: string; progress: number; result?: unknown };
  /** Of the stream that it came by. */
  release: string;
};

const AGAIN_MS = 200;
const PATIENCE_MS = 30_000;

/** Follows a task to its end as browsers do (EventSource): each time the stream ends, from the last event on. */
export async function followTask({ status, token }: TaskTrial, id: number): Promise<TaskEvent[]> {
  const url = new URL(`/api/tasks/${id}/events`, status.url);
  const events: TaskEvent[] = [];
  while (events.at(-1)?.task.status !== 'done' && events.at(-1)?.task.status !== 'failed') {
    await listen(url, { ca: readFileSync(status.ca, 'utf8'), token }, events);
    await wait(AGAIN_MS);
  }
  return events;
}

/** One stream to its end, whatever that is. */
function listen(url: URL, { ca, token }: { ca: string; token: string }, events: TaskEvent[]): Promise<void> {
  const last = events.at(-1);
  const headers = {
    authorization: `Bearer ${token}`,
    ...(last ? { 'last-event-id': String(last.id) } : {}),
  };
  return new Promise((resolve) => {
    const asked = get(url, { ca, headers, agent: false, timeout: PATIENCE_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        const whole = (text + part).split('\n\n');
        text = whole.pop() ?? '';
        const release = String(answer.headers['x-release']);
        for (const each of whole) events.push(...eventOf(each, release));
      });
      answer.on('error', () => {});
      answer.on('close', resolve);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve());
  });
}

/** None: it is a comment, or how long to wait. */
function eventOf(text: string, release: string): TaskEvent[] {
  const [, id, data] = /^id: (\d+)\nevent: task\ndata: (.*)$/.exec(text) ?? [];
  return data === undefined ? [] : [{ id: Number(id), task: JSON.parse(data), release }];
}
