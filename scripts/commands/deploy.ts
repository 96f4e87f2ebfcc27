import type { Command } from '../command.ts';
import { deploy } from '../deploy.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';

export const command: Command = {
  options: [['--dirty', 'deploy the working tree as it is, not the last commit']],
  examples: [
    ['berth deploy', 'bring the last commit live as the next release'],
    ['berth deploy --dirty', 'the same with what is not committed yet'],
  ],
  async run(context, { options }) {
    const result = await deploy(context, await openMachineSide(context), { dirty: options.dirty === true });
    const { app, release, changed } = result;
    context.report.data({ type: 'release', app, release: `v${release}`, changed });
    context.report.print(
      changed ? `${app} v${release} is live\n` : `${app} v${release} is live already, nothing to do\n`,
    );
    return EXIT.done;
  },
};
