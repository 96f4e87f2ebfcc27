import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { bringUp } from '../up.ts';

export const command: Command = {
  options: [['--dirty', 'deploy the working tree as it is, not the last commit']],
  examples: [
    ['berth up', 'make the machine, provision it, deploy the API and prove it'],
    ['berth up --host staging', 'the same for provisioning/hosts/staging.yml'],
  ],
  async run(context, { options }) {
    const status = await bringUp(context, { dirty: options.dirty === true });
    context.report.data({ type: 'status', ...status });
    const words = context.flags.host === 'local' ? 'npx berth' : `npx berth --host ${context.flags.host}`;
    context.report.print(`
The API answers at  ${status.url}/api
Its authority       ${status.ca}
  curl --cacert ${status.ca} ${status.url}/api/livez
Log in              ${status.ssh}

Next:
  ${words} status     where it is and whether it is healthy
  ${words} logs -f    what the application says
  ${words} deploy     bring your next commit live
`);
    return EXIT.done;
  },
};
