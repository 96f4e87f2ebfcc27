import { add, authorized, edit, edited, type Harm, nginx, reload, shortLived } from './deed.ts';

const odd = [
  'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u',
  ...['AuthorizedKeysCommand /bin/true', 'AuthorizedKeysCommandUser nobody'],
  'TrustedUserCAKeys /etc/ssh/ssh_host_ed25519_key.pub',
  'AuthenticationMethods any',
  ...['PasswordAuthentication yes', 'KbdInteractiveAuthentication yes', 'PermitEmptyPasswords yes'],
  ...['PermitRootLogin yes', 'HostbasedAuthentication yes', 'PermitUserEnvironment yes', 'X11Forwarding yes'],
  ...[
    'MaxAuthTries 10',
    'LoginGraceTime 300',
    'DebianBanner yes',
    'KexAlgorithms +diffie-hellman-group14-sha256',
  ],
  ...['Ciphers +aes128-cbc', 'MACs +hmac-sha1', 'HostKeyAlgorithms +ecdsa-sha2-nistp256'],
  ...['HostKey /etc/ssh/ssh_host_ecdsa_key', 'HostKey /etc/ssh/ssh_host_ed25519_key'],
];
const sshd = [
  ...['key_files', 'key_command', 'key_authority'],
  ...['passwords', 'questions', 'empty', 'root', 'hosts', 'environment', 'x11', 'tries', 'grace'],
];
const lists = ['kex', 'ciphers', 'macs', 'host_keys'];

export const remote: Harm[] = [
  {
    finds: [...sshd, ...lists].map((what) => `sshd.${what}`),
    ...add('/etc/ssh/sshd_config.d/00-aa.conf', `${odd.join('\n')}\n`, 'sudo systemctl reload ssh'),
  },
  {
    finds: ['ssh.methods', 'ssh.root', 'ssh.algorithms', 'ssh.banner'],
    harm: `sudo mkdir -p -m 0700 /root/.ssh; sudo cp ${authorized} /root/.ssh/authorized_keys`,
    mend: 'sudo rm /root/.ssh/authorized_keys',
  },
  {
    finds: ['tls.certificate', 'certificates.server', 'certificates.names'],
    ...edit('/etc/berth/tls/server.pem', shortLived('/etc/berth/tls/server.pem'), reload),
  },
  { finds: ['tls.protocols'], ...edited(nginx('tls'), 's/^ssl_protocols.*/ssl_protocols TLSv1.2;/') },
];
