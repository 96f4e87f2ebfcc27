import { render } from './template.ts';

export type OneOffOptions = {
  terminal: boolean;
  /** systemd ends it then. */
  withinSeconds?: number;
};

/**
 * argv that runs a command once in the live release, for root: a transient unit in the application's sandbox, as its
 * user, to which systemd gives the environment of the release.
 */
export function oneOff(app: string, command: string[], { terminal, withinSeconds }: OneOffOptions): string[] {
  const release = `/srv/${app}/current`;
  const sandbox = render('systemd/sandbox.conf', { app });
  const properties = [
    ...[`User=${app}`, `Group=${app}`, `WorkingDirectory=${release}/app`, 'UMask=0007'],
    ...[`EnvironmentFile=${release}/env`, `EnvironmentFile=${release}/release.env`],
    ...[
      `Environment=HOME=/var/lib/${app}`,
      `Environment=PATH=${release}/runtime/bin:${release}/app/node_modules/.bin:/usr/local/bin:/usr/bin:/bin`,
    ],
    ...(withinSeconds === undefined ? [] : [`RuntimeMaxSec=${withinSeconds}`]),
    ...sandbox.split('\n').filter((line) => /^\w+=/.test(line)),
  ];
  // The shell finds the program by the unit's own PATH; systemd-run would look along its caller's.
  const script = 'exec "$@"';
  return [
    ...['systemd-run', '--quiet', '--wait', '--collect', terminal ? '--pty' : '--pipe'],
    ...properties.map((property) => `--property=${property}`),
    ...['--', '/bin/sh', '-c', ...[script, 'sh', ...command].map(literal)],
  ];
}

/** systemd would put variables in place itself, in its argv, where everybody may read them. */
function literal(word: string): string {
  return word.replaceAll('$', () => '$$');
}
