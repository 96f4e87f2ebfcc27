import { absent, directory, file, log } from './resources/file.ts';
import type { Resource } from './resources/resource.ts';
import { type Configuration, noService, recordLoaded, service } from './resources/service.ts';
import type { Settings } from './settings.ts';
import { render } from './template.ts';

const fail2banService = 'fail2ban.service';
const loadedDropIn = `/etc/systemd/system/${fail2banService}.d/berth-loaded.conf`;

/** Before the package, whose first start would go by Debian's own jails: those know no operator. */
export function banSettings(settings: Settings): Resource[] {
  const files = banFiles(settings);
  if (!settings.firewall.ban) return [...Object.keys(files), loadedDropIn].map((path) => absent(path));
  return [
    ...['', '/filter.d', '/jail.d'].map((part) =>
      directory({ path: `/etc/fail2ban${part}`, holds: 'theirs' }),
    ),
    ...Object.entries(files).map(([path, content]) => file({ path, content })),
    recordLoaded(fail2banService, Object.keys(files)),
  ];
}

export function bans(settings: Settings): Resource {
  if (!settings.firewall.ban) return noService(fail2banService);
  const proof = ['fail2ban-client', '--test'];
  return service(fail2banService, { configuration: banFiles(settings), onChange: 'reload', proof });
}

/** What nginx writes and fail2ban reads, which does not start without it; as logrotate makes the next ones. */
export function refusedLog(): Resource {
  return log({ path: '/var/log/nginx/refused.log', mode: 0o640, owner: 'www-data', group: 'adm' });
}

/** What fail2ban goes by, path → content. */
export function banFiles({ ssh, nginx }: Settings): Configuration {
  const { httpPort, httpsPort } = nginx;
  const common = render('provisioning/files/fail2ban-common.conf');
  const jails = { sshPort: ssh.port, httpPort, httpsPort, common };
  return {
    '/etc/fail2ban/filter.d/berth-api.conf': render('provisioning/files/fail2ban-api.conf'),
    '/etc/fail2ban/jail.d/berth.local': render('provisioning/files/fail2ban-jails.conf', jails),
  };
}
