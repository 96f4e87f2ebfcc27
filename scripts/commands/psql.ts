import { reachNow } from '../answering.ts';
import type { Command } from '../command.ts';
import { interactive } from '../ssh.ts';

export const command: Command = {
  arguments: [['[argument...]', "psql's own; put -- before them if they are options"]],
  examples: [
    ['berth psql', "the application's database, as the application sees it"],
    ['berth psql -- -c "SELECT count(*) FROM users"', 'one statement'],
  ],
  async run(context, { args }) {
    const { io, hostFile } = context;
    const { settings } = await hostFile();
    const app = await context.app();
    // As the application's user, whom the server knows by peer authentication; its home is not to be written to.
    const argv = ['sudo', '-n', '-iu', app, 'env', 'PSQL_HISTORY=/dev/null', 'psql', '-d', app, ...args];
    const terminal = io.stdin.isTTY === true && io.stdout.isTTY;
    return interactive(await reachNow(context), settings.admin.user, argv, { terminal });
  },
};
