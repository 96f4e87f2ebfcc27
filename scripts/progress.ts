import { type Clock, elapsed } from './clock.ts';
import type { Io } from './io.ts';
import type { Report } from './report.ts';
import type { Screen } from './screen.ts';
import { oneLine, type Paint } from './terminal.ts';

/** Steps as a person sees them; the innermost running one is the one shown. */
export type Progress = Pick<Report, 'step'> & {
  /** What the innermost running step is doing just now. */
  detail(text: string): void;
};

type Step = { title: string; startedAt: number; detail: string };

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 100;
/** A step that ends sooner shows no spinner. */
const SPINNER_AFTER_MS = 1000;
const PLAIN_PERIOD_MS = 10_000;

/** A spinner with the elapsed time on a terminal; otherwise a line at the begin, every 10 s and at the end. */
export function createProgress(io: Io, screen: Screen, paint: Paint, clock: Clock): Progress {
  const running: Step[] = [];
  let stopTicking = () => {};

  function tick(): void {
    const step = running.at(-1);
    if (!step) return;
    const ms = clock.now() - step.startedAt;
    if (!io.stderr.isTTY) line(`  ${step.title}: ${elapsed(ms)}${step.detail && `, ${step.detail}`}`);
    else if (ms >= SPINNER_AFTER_MS) screen.status(spinner(step, ms, io.stderr.columns));
  }

  function begin(step: Step): void {
    if (!io.stderr.isTTY) line(`- ${step.title}`);
    if (running.push(step) > 1) return;
    stopTicking = clock.every(io.stderr.isTTY ? FRAME_MS : PLAIN_PERIOD_MS, tick);
  }

  function end(step: Step, mark: string): void {
    running.splice(running.indexOf(step), 1);
    if (running.length === 0) stopTicking();
    screen.status('');
    line(`${mark} ${step.title} ${paint('dim', elapsed(clock.now() - step.startedAt))}`);
  }

  function line(text: string): void {
    screen.print(io.stderr, `${text}\n`);
  }

  return {
    async step(title, work) {
      const step: Step = { title: oneLine(title, 200), startedAt: clock.now(), detail: '' };
      begin(step);
      try {
        const result = await work((text) => {
          step.detail = oneLine(text, 200);
        });
        end(step, paint('green', '✓'));
        return result;
      } catch (error) {
        end(step, paint('red', '✗'));
        throw error;
      }
    },
    detail(text) {
      const step = running.at(-1);
      if (step) step.detail = oneLine(text, 200);
    },
  };
}

function spinner(step: Step, ms: number, columns: number): string {
  const frame = FRAMES[Math.floor(ms / FRAME_MS) % FRAMES.length];
  // The last column stays free: a terminal that wraps there would leave the line behind.
  return oneLine(`${frame} ${step.title} ${elapsed(ms)} ${step.detail}`, columns - 1);
}
