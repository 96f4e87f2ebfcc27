import { add, append, authorized, edit, type Harm, mode, sed } from './deed.ts';

const shadow = 's/^daemon:[^:]*:/daemon::/; s/^root:[^:]*:/root:$6$salt$hash:/';
const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl stranger';
const strangers =
  's#^\\(daemon:.*\\):[^:]*$#\\1:/bin/sh#; $a toor:x:0:0::/root:/usr/sbin/nologin\nada:x:1500:1500::/home/ada:/bin/bash';

export const accounts: Harm[] = [
  {
    finds: ['sudoers.nopasswd', 'sudoers.others'],
    ...add(
      '/etc/sudoers.d/zz',
      'nobody ALL=(ALL) NOPASSWD: ALL\n',
      'sudo chmod -f 0440 /etc/sudoers.d/zz || true',
    ),
  },
  {
    finds: ['users.root', 'users.shells', 'users.people'],
    ...edit('/etc/passwd', sed(strangers.replace('\n', '\\n'), '/etc/passwd')),
  },
  { finds: ['users.empty', 'users.locked'], ...edit('/etc/shadow', sed(shadow, '/etc/shadow')) },
  { finds: ['users.keys'], ...edit(authorized, append(stranger, authorized)) },
  { finds: ['modes.accounts'], ...mode('/etc/group', '0664', '0644') },
  { finds: ['modes.ssh'], ...mode('/etc/ssh/ssh_host_ed25519_key.pub', '0664', '0644') },
  { finds: ['modes.homes'], ...mode('/home/deploy', '0755', '0750') },
  {
    finds: ['modes.applications', 'secrets.applications'],
    harm: 'sudo chmod 0755 /etc/api; sudo chmod 0644 /etc/api/env',
    mend: 'sudo chmod 0750 /etc/api; sudo chmod 0640 /etc/api/env',
  },
  { finds: ['modes.berth', 'secrets.machine'], ...mode('/etc/berth/tls/authority.pem', '0644', '0600') },
  { finds: ['writable.others'], ...mode('/etc/hostname', '0646', '0644') },
  {
    finds: ['writable.setuid'],
    harm: 'sudo install -m 4755 /bin/true /usr/local/bin/raised',
    mend: 'sudo rm /usr/local/bin/raised',
  },
  {
    finds: ['writable.owner'],
    harm: 'sudo install -o nobody /dev/null /opt/foreign',
    mend: 'sudo rm /opt/foreign',
  },
];
