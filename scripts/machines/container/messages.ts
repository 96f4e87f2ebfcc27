import { BerthError, messageOf } from '../../../provisioning/errors.ts';
import type { Report } from '../../report.ts';

/** What the root's side says, one JSON object a line; the number of a step tells steps apart. */
export type Message =
  | { type: 'begin'; step: number; title: string }
  | { type: 'detail'; step: number; text: string }
  | { type: 'end'; step: number; failed: boolean }
  | { type: 'note'; text: string }
  | { type: 'done' }
  | { type: 'failed'; code: string; message: string; hint: string };

/** A report that is sent as messages. */
export function reportAsMessages(send: (message: Message) => void): Report {
  let steps = 0;
  return {
    note: (text) => send({ type: 'note', text }),
    step: async (title, work) => {
      steps += 1;
      const step = steps;
      send({ type: 'begin', step, title });
      let failed = true;
      try {
        const value = await work((text) => send({ type: 'detail', step, text }));
        failed = false;
        return value;
      } finally {
        send({ type: 'end', step, failed });
      }
    },
  };
}

/** Plays messages on a report. `end` closes whatever the other side left open. */
export function messagesToReport(report: Report): { take(message: Message): void; end(): Promise<void> } {
  type Open = { detail: (text: string) => void; finish: (failed: boolean) => void };
  const open = new Map<number, Open>();
  const shown: Promise<unknown>[] = [];
  const begin = (step: number, title: string) => {
    const work = (detail: (text: string) => void) =>
      new Promise<void>((resolve, reject) => {
        // The error itself comes as a message of its own; this one only marks the step.
        open.set(step, { detail, finish: (failed) => (failed ? reject(new Error(title)) : resolve()) });
      });
    shown.push(report.step(title, work).catch(() => {}));
  };
  return {
    take: (message) => {
      if (message.type === 'note') report.note(message.text);
      if (message.type === 'begin') begin(message.step, message.title);
      if (message.type === 'detail') open.get(message.step)?.detail(message.text);
      if (message.type === 'end') open.get(message.step)?.finish(message.failed);
    },
    end: async () => {
      for (const { finish } of open.values()) finish(true);
      await Promise.all(shown);
    },
  };
}

export function failure(error: unknown): Message {
  if (error instanceof BerthError) {
    return { type: 'failed', code: error.code, message: error.message, hint: error.hint };
  }
  const hint = 'this is a fault in Berth: please report it with the text above.';
  return { type: 'failed', code: 'unexpected', message: messageOf(error), hint };
}
