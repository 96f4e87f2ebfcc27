import type { Action, ApplySummary, Event } from '../provisioning/events.ts';
import { type Colour, neutral, type Paint } from './terminal.ts';

export type Planned = Extract<Event, { type: 'planned' }>;

const MARKS: Record<Action, [sign: string, colour: Colour]> = {
  add: ['+', 'green'],
  change: ['~', 'yellow'],
  remove: ['-', 'red'],
};

/** `+ user:deploy`, in the action's colour. */
export function resourceLine(action: Action, resource: string, paint: Paint): string {
  const [sign, colour] = MARKS[action];
  return paint(colour, `${sign} ${neutral(resource)}`);
}

/** A resource of a plan: its line, then each change's summary and diff, indented. */
export function plannedText(planned: Planned, paint: Paint): string {
  const lines = planned.changes.flatMap(({ summary, diff }) => [
    `    ${neutral(summary)}`,
    ...(diff === undefined ? [] : diffLines(diff, paint)),
  ]);
  const mark = planned.risky ? ` ${paint('dim', '(comes back unless a new login confirms it)')}` : '';
  const line = `${resourceLine(planned.action, planned.resource, paint)}${mark}`;
  return `${[line, ...lines].join('\n')}\n`;
}

/** The closing line of a plan, e.g. `12 to add, 3 to change, 0 to remove`. */
export function planClosing({ add, change, remove }: ApplySummary): string {
  return `${add} to add, ${change} to change, ${remove} to remove`;
}

/** The closing line of an apply, e.g. `12 added, 3 changed, 0 removed, 66 unchanged in 1.0 s`. */
export function applyClosing({ resources, add, change, remove, seconds }: ApplySummary): string {
  const unchanged = resources - add - change - remove;
  return `${add} added, ${change} changed, ${remove} removed, ${unchanged} unchanged in ${seconds.toFixed(1)} s`;
}

function diffLines(diff: string, paint: Paint): string[] {
  const lines = neutral(diff).replace(/\n$/, '').split('\n');
  return lines.map((line) => `      ${paintDiff(line, paint)}`);
}

function paintDiff(line: string, paint: Paint): string {
  if (/^(---|\+\+\+) /.test(line)) return paint('bold', line);
  if (line.startsWith('@@')) return paint('cyan', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line;
}
