import { oneOff } from '../../provisioning/one-off.ts';
import { reachNow } from '../answering.ts';
import type { Command } from '../command.ts';
import { interactive } from '../ssh.ts';

export const command: Command = {
  arguments: [['<command...>', 'what to run, in the live release; put -- before it']],
  examples: [
    [
      'berth run -- node api/migrate.ts',
      "once, with the live release's environment, as the application's user",
    ],
    ['berth run -- sh', 'a shell there; its exit code is returned'],
  ],
  async run(context, { args }) {
    const { io, hostFile } = context;
    const { settings } = await hostFile();
    const app = await context.app();
    const terminal = io.stdin.isTTY === true && io.stdout.isTTY;
    // `ssh host command` reads no .profile, and so knows nothing of the environment.
    const argv = ['sudo', '-n', ...oneOff(app, args, { terminal })];
    return interactive(await reachNow(context), settings.admin.user, argv, { terminal });
  },
};
