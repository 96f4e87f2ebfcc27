import type { HeldRow, KindRow, ParkedRow, QueueView } from '../provisioning/queue-view.ts';
import { instant, spanText, table } from './table.ts';
import { oneLine } from './terminal.ts';

/** `berth queue` for people: what is to be known, the kinds, and the tasks that want a look. */
export function queueText({ queue, connected, unsent, kinds, held, parked, warnings }: QueueView): string {
  const state = connected ? 'connected' : 'not connected';
  const waits = unsent === 0 ? '' : `, ${unsent} accepted and not handed over yet`;
  return [
    `tasks wait in ${places[queue]}, ${state}${waits}\n`,
    ...warnings.map((text) => `! ${oneLine(text, 500)}\n`),
    kinds.length === 0 ? 'no tasks wait or run\n' : `\n${table(headings.kinds, kinds.map(kindRow))}`,
    held.length === 0 ? '' : `\n${table(headings.held, held.map(heldRow))}`,
    parked.length === 0 ? '' : `\n${table(headings.parked, parked.map(parkedRow))}`,
  ].join('');
}

const places = { postgres: 'PostgreSQL', rabbitmq: 'RabbitMQ' };

const headings = {
  kinds: ['KIND', 'WAITING', 'RUNNING', 'RETRYING', 'OLDEST'],
  held: ['TASK', 'KIND', 'STATE', 'ATTEMPTS', 'AGE', 'ERROR'],
  parked: ['PARKED', 'KIND', 'ATTEMPTS', 'FAILED AT', 'ERROR'],
};

function kindRow({ kind, waiting, running, retrying, oldest_seconds: oldest, known }: KindRow): string[] {
  const name = known ? kind : `${kind} (unknown to this release)`;
  return [name, `${waiting}`, `${running}`, `${retrying}`, oldest === null ? '-' : spanText(oldest)];
}

function heldRow({ id, kind, status, attempts, age_seconds: age, error }: HeldRow): string[] {
  return [`${id}`, kind, status, `${attempts}`, spanText(age), errorText(error)];
}

function parkedRow({ id, kind, attempts, failed_at: failedAt, error }: ParkedRow): string[] {
  return [`${id}`, kind, `${attempts}`, instant(failedAt), errorText(error)];
}

function errorText(error: string | null): string {
  return error === null ? '-' : oneLine(error, 100);
}
