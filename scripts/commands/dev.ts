import { BerthError } from '../../provisioning/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  options: [['-p, --port <number>', 'where the API listens on this computer', '3000']],
  examples: [
    ['berth dev', 'the API on http://localhost:3000, on a PostgreSQL of its own, until Ctrl-C'],
    ['DATABASE_URL=postgresql://… berth dev', 'the same on a database of yours'],
  ],
  async run({ io, report, root, stateDirectory, signal }, { options }) {
    const { runDev } = await import('../dev.ts');
    const databaseUrl = io.env.DATABASE_URL;
    const say = (line: string) => {
      report.print(`${neutral(line)}\n`);
      report.data({ type: 'log', text: line });
    };
    const port = portOf(String(options.port));
    await runDev({ root, stateDirectory, port, signal, say, ...(databaseUrl && { databaseUrl }) });
    return EXIT.done;
  },
};

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new BerthError(
    'wrong_usage',
    `--port ${JSON.stringify(text)} is not a port`,
    'give a number from 1 to 65535',
  );
}
