import type { ApplySummary, ErrorView, Event } from '../provisioning/events.ts';
import { applyClosing, type Planned, planClosing, plannedText, resourceLine } from './changes.ts';
import { type Clock, elapsed, realClock } from './clock.ts';
import type { Io, Output } from './io.ts';
import { createProgress } from './progress.ts';
import type { Report } from './report.ts';
import { createScreen } from './screen.ts';
import { jsonLine, neutral, painter } from './terminal.ts';

/** Everything that a run says: for people (results on stdout, the rest on stderr) or, with `--json`, NDJSON on stdout. */
export type Renderer = Report & {
  /** A result for people, whole lines; dropped with `--json`. The caller neutralises what a machine said. */
  print(text: string): void;
  /** A result for scripts, `{type, …}`; dropped without `--json`. */
  data(event: Data): void;
  /**
   * An event of the machine's side under `verb`. Planned changes are shown in full for `plan`, or when verbose;
   * `result` is the caller's to judge and shows nothing.
   */
  event(verb: string, event: Event): void;
  /** The closing line of a plan or an apply, then the notices that were gathered. */
  summary(verb: 'plan' | 'apply', summary: ApplySummary): void;
  /** The failure that ends the run; `stack` is shown as it is. */
  failure(error: ErrorView, stack?: string): void;
  /** One that says the host's name in each line, beside those of other hosts. */
  forHost(name: string): Renderer;
};

type Data = { type: string; [field: string]: unknown };

export type RenderOptions = {
  json: boolean;
  /** Shows what an apply is going to change, with diffs, as a plan does. */
  verbose: boolean;
  clock?: Clock;
};

export function createRenderer(io: Io, { json, verbose, clock = realClock }: RenderOptions): Renderer {
  return json ? jsonRenderer(io, clock, {}) : textRenderer(io, verbose, clock);
}

function textRenderer(io: Io, verbose: boolean, clock: Clock): Renderer {
  const screen = createScreen(io);
  const paint = painter(io.stderr, io.env);
  const paintResult = painter(io.stdout, io.env);
  const progress = createProgress(io, screen, paint, clock);
  const notices: string[] = [];
  const print = (text: string) => screen.print(io.stdout, text);
  const say = (text: string) => screen.print(io.stderr, `${text}\n`);

  function planned(verb: string, event: Planned): void {
    if (verb === 'plan' || verbose) print(plannedText(event, paintResult));
  }
  return {
    step: progress.step,
    note: (text) => say(neutral(text)),
    print,
    data: () => {},
    event(verb, event) {
      if (event.type === 'planned') planned(verb, event);
      else if (event.type === 'applying') progress.detail(event.resource);
      else if (event.type === 'progress') progress.detail(event.text);
      else if (event.type === 'notice') notices.push(event.text);
      else if (event.type === 'applied')
        say(
          `  ${resourceLine(event.action, event.resource, paint)} ${paint('dim', elapsed(event.seconds * 1000))}`,
        );
    },
    summary(verb, summary) {
      print(`${verb === 'plan' ? planClosing(summary) : applyClosing(summary)}\n`);
      for (const text of notices.splice(0)) say(`${paint('yellow', '!')} ${neutral(text)}`);
    },
    failure({ code, message, hint }, stack) {
      say(`${paint('red', 'error:')} ${neutral(message)} ${paint('dim', `(${neutral(code)})`)}`);
      if (hint) say(`${paint('bold', 'next:')}  ${neutral(hint)}`);
      if (stack) say(neutral(stack));
    },
    forHost: (name) => textRenderer(labelled(io, name), verbose, clock),
  };
}

/** The same outputs with a label before each line: plain lines, since there is one status line and several to show. */
function labelled(io: Io, name: string): Io {
  const label = (output: Output): Output => {
    const begin = painter(output, io.env)('cyan', `${name} | `);
    let fresh = true;
    return {
      isTTY: false,
      columns: output.columns,
      write(text) {
        const lines = text.replace(/\n(?!$)/g, `\n${begin}`);
        output.write(`${fresh ? begin : ''}${lines}`);
        fresh = text.endsWith('\n');
      },
    };
  };
  const coloured = io.stderr.isTTY ? { FORCE_COLOR: '1', ...io.env } : io.env;
  return { ...io, stdout: label(io.stdout), stderr: label(io.stderr), env: coloured };
}

function jsonRenderer(io: Io, clock: Clock, host: { host?: string }): Renderer {
  const data = (event: Data) => io.stdout.write(jsonLine({ ...event, ...host }));
  return {
    async step(title, work) {
      const startedAt = clock.now();
      const step = (state: 'begin' | 'end' | 'fail') =>
        data({
          type: 'step',
          title,
          state,
          ...(state !== 'begin' && { seconds: seconds(clock.now() - startedAt) }),
        });
      step('begin');
      try {
        const result = await work((text) => data({ type: 'progress', text }));
        step('end');
        return result;
      } catch (error) {
        step('fail');
        throw error;
      }
    },
    note: (text) => data({ type: 'note', text }),
    print: () => {},
    data,
    event(_verb, event) {
      if (event.type !== 'result') data(event);
    },
    summary: (verb, summary) => data({ type: 'summary', verb, ...summary }),
    failure: ({ code, message, hint }) => data({ type: 'error', code, message, hint }),
    forHost: (name) => jsonRenderer(io, clock, { host: name }),
  };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
