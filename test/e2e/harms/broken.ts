import { add, type Harm } from './deed.ts';

/** In its sandbox it has no network that it could listen on. */
const cluster = [
  add(
    '/etc/systemd/system/postgresql@17-main.service.d/zz.conf',
    '[Service]\nPrivateNetwork=no\nRestrictAddressFamilies=AF_INET AF_INET6\nIPAddressDeny=\n',
  ),
  add('/etc/postgresql/17/main/conf.d/zz.conf', 'listen_addresses = \\047*\\047\n'),
];
const restart = 'sudo systemctl daemon-reload; sudo systemctl restart postgresql@17-main';

export const broken: Harm[] = [
  {
    finds: ['listening.served', 'ports.served', 'units.running'],
    harm: 'sudo systemctl stop nginx',
    mend: 'sudo systemctl start nginx',
  },
  {
    finds: ['sshd.keys'],
    ...add('/etc/ssh/sshd_config.d/00-aa.conf', 'Match User root\nPubkeyAuthentication no\n'),
  },
  { finds: ['nginx.valid'], ...add('/etc/nginx/conf.d/zz.conf', 'broken') },
  {
    finds: ['sudoers.valid'],
    ...add('/etc/sudoers.d/zz', '# nothing\n', 'sudo chmod -f 0640 /etc/sudoers.d/zz || true'),
  },
  {
    finds: ['postgresql.listen', 'listening.tcp'],
    harm: `${cluster.map(({ harm }) => harm).join('; ')}; ${restart}`,
    mend: `${cluster.map(({ mend }) => mend).join('; ')}; ${restart}`,
  },
];
