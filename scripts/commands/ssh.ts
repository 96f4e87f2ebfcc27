import { reachNow } from '../answering.ts';
import type { Command } from '../command.ts';
import { interactive } from '../ssh.ts';

export const command: Command = {
  arguments: [['[command...]', 'run there instead of a shell; put -- before it if it has options']],
  examples: [
    ['berth ssh', "the sudo user's shell on the machine"],
    ['berth ssh -- systemctl --failed', 'one command; its exit code is returned'],
    ['berth ssh -- sudo -n cat /etc/api/env', 'as root'],
  ],
  async run(context, { args }) {
    const { io, hostFile } = context;
    const { settings } = await hostFile();
    const terminal = io.stdin.isTTY === true && io.stdout.isTTY;
    return interactive(await reachNow(context), settings.admin.user, args, { terminal });
  },
};
