import { render } from '../../provisioning/template.ts';
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
    const sandbox = render('systemd/sandbox.conf', { app });
    const argv = oneOff(app, args, { terminal, sandbox });
    return interactive(await reachNow(context), settings.admin.user, argv, { terminal });
  },
};

/**
 * A transient unit in the application's sandbox, since `ssh host command` reads no .profile: systemd gives it the
 * environment of the release. `sandbox` is systemd/sandbox.conf, filled in.
 */
export function oneOff(
  app: string,
  command: string[],
  options: { terminal: boolean; sandbox: string },
): string[] {
  const release = `/srv/${app}/current`;
  const properties = [
    ...[`User=${app}`, `Group=${app}`, `WorkingDirectory=${release}/app`, 'UMask=0007'],
    ...[`EnvironmentFile=${release}/env`, `EnvironmentFile=${release}/release.env`],
    ...[
      `Environment=HOME=/var/lib/${app}`,
      `Environment=PATH=${release}/runtime/bin:${release}/app/node_modules/.bin:/usr/local/bin:/usr/bin:/bin`,
    ],
    ...options.sandbox.split('\n').filter((line) => /^\w+=/.test(line)),
  ];
  // The shell finds the program by the unit's own PATH; systemd-run would look along its caller's.
  const script = 'exec "$@"';
  return [
    ...['sudo', '-n', 'systemd-run', '--quiet', '--wait', '--collect', options.terminal ? '--pty' : '--pipe'],
    ...properties.map((property) => `--property=${property}`),
    ...['--', '/bin/sh', '-c', ...[script, 'sh', ...command].map(literal)],
  ];
}

/** systemd would put variables in place itself, in its argv, where everybody may read them. */
function literal(word: string): string {
  return word.replaceAll('$', () => '$$');
}
