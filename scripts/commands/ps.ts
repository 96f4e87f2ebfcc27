import type { ProcessRow } from '../../provisioning/ps.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { bytesText, spanText, table } from '../table.ts';

export const command: Command = {
  examples: [
    ['berth ps', 'the processes of the live release, and of a warm one'],
    ['berth ps --json', 'the same as one JSON object a line'],
  ],
  async run(context) {
    const app = await context.app();
    const side = await openMachineSide(context);
    const processes = await side.ask<ProcessRow[]>('ps', { app });
    for (const process of processes) context.report.data({ type: 'process', app, ...process });
    context.report.print(table(headings, processes.map(row)));
    return EXIT.done;
  },
};

const headings = ['PROCESS', 'RELEASE', 'STATE', 'PID', 'CPU', 'MEMORY', 'RESTARTS', 'UPTIME'];

function row({
  process,
  release,
  state,
  pid,
  cpu,
  memoryBytes,
  restarts,
  uptimeSeconds,
}: ProcessRow): string[] {
  const shown = <T>(value: T | null, text: (value: T) => string) => (value === null ? '-' : text(value));
  return [
    process,
    release,
    pid === null ? 'waiting' : state,
    shown(pid, String),
    shown(cpu, (percent) => `${percent} %`),
    shown(memoryBytes, bytesText),
    shown(restarts, String),
    shown(uptimeSeconds, spanText),
  ];
}
