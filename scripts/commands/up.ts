import type { AppSettings } from '../../provisioning/settings.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { chooseKind } from '../machines/choose-kind.ts';
import type { Status } from '../status.ts';
import { bringUp } from '../up.ts';

export const command: Command = {
  options: [
    ['--dirty', 'deploy the working tree as it is, not the last commit'],
    [
      '--machine <kind>',
      'where machine.kind is auto: vagrant or container (default: the machine that there is, else Vagrant where it is usable)',
    ],
  ],
  examples: [
    ['berth up', 'make the machine, provision it, deploy every application and prove it'],
    ['berth up --machine vagrant', 'a virtual machine of Vagrant, where machine.kind is auto'],
    ['berth up --host staging', 'the same for provisioning/hosts/staging.yml'],
  ],
  async run(given, { options }) {
    const context = given.onMachine(await chooseKind(given, options.machine));
    const status = await bringUp(context, { dirty: options.dirty === true });
    context.report.data({ type: 'status', ...status });
    const words = context.flags.host === 'local' ? 'npx berth' : `npx berth --host ${context.flags.host}`;
    const { apps } = (await context.hostFile()).settings;
    context.report.print(`
${addresses(status)}
${authority(status)}  curl ${status.ca === null ? '' : `--cacert ${status.ca} `}${example(status, apps)}
Log in              ${status.ssh}

Next:
  ${words} status     where it is and whether it is healthy
  ${words} logs -f    what the application says
  ${words} deploy     bring your next commit live
`);
    return EXIT.done;
  },
};

function authority({ ca }: Status): string {
  return ca === null ? '' : `Its authority       ${ca}\n`;
}

function addresses({ apps }: Status): string {
  return Object.entries(apps)
    .map(([name, { url }]) => `${name} answers at`.padEnd(19).concat(' ', url))
    .join('\n');
}

/** The first application that is found by the machine's own name, for its domain may not lead there yet. */
function example({ url }: Status, apps: Record<string, AppSettings>): string {
  const app = Object.values(apps).find(({ domains }) => domains.length === 0);
  return `${url}${app?.health ?? '/'}`;
}
