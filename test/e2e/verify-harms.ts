/** Things done to a machine by hand, all at once, what of them is to be found, and how each is taken back. */
export type Batch = {
  title: string;
  harms: Harm[];
  /** Looked at alone, where the rest would only say the same again. */
  only?: boolean;
};
export type Harm = { finds: string[]; harm: string; mend: string };

type Deed = Pick<Harm, 'harm' | 'mend'>;

const kept = '/root/kept';
const sed = (expression: string, path: string) => `sudo sed -i '${expression}' ${path}`;
const append = (line: string, path: string) => `echo '${line}' | sudo tee -a ${path} >/dev/null`;
const psql = (statement: string) => `sudo -u postgres psql -qc "${statement}"`;

/** Changes a file, and puts it back with its mode and owner; each time followed by what makes programs read it. */
function edit(path: string, change: string, then = 'true'): Deed {
  return {
    harm: `sudo mkdir -p ${kept}; sudo cp -p --parents ${path} ${kept}; ${change}; ${then}`,
    mend: `sudo cp -p ${kept}${path} ${path}; ${then}`,
  };
}

function add(path: string, text: string, then = 'true'): Deed {
  return {
    harm: `printf '%b' '${text.replaceAll('\n', '\\n')}' | sudo tee ${path} >/dev/null; sudo chmod 0644 ${path}; ${then}`,
    mend: `sudo rm -f ${path}; ${then}`,
  };
}

function mode(path: string, wrong: string, right: string): Deed {
  return { harm: `sudo chmod ${wrong} ${path}`, mend: `sudo chmod ${right} ${path}` };
}

/** A program that listens until it is ended; systemd-run returns once it has begun, and it then says so. */
function listener(unit: string, listen: string): Deed {
  const script = `${listen}.on("listening", () => require("fs").writeFileSync("/run/${unit}", ""))`;
  return {
    harm: `sudo systemd-run --quiet --collect --unit=${unit} /opt/berth/node/bin/node -e '${script}'; until [ -e /run/${unit} ]; do sleep 0.05; done`,
    mend: `sudo systemctl stop ${unit}; sudo rm /run/${unit}`,
  };
}

const shadow = 's/^daemon:[^:]*:/daemon::/; s/^root:[^:]*:/root:$6$salt$hash:/';
const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl stranger';
const authorized = '/home/deploy/.ssh/authorized_keys';
const strangers =
  's#^\\(daemon:.*\\):[^:]*$#\\1:/bin/sh#; $a toor:x:0:0::/root:/usr/sbin/nologin\nada:x:1500:1500::/home/ada:/bin/bash';

const accounts: Harm[] = [
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

/** What a sandbox's drop-in says, taken back; until the next start it is only said. */
const loose = [
  ...['NoNewPrivileges=no', 'ProtectSystem=no', 'ProtectHome=no', 'PrivateTmp=no', 'PrivateDevices=no'],
  ...['PrivateUsers=no', 'PrivateNetwork=no', 'ProtectKernelTunables=no', 'ProtectKernelModules=no'],
  ...['ProtectKernelLogs=no', 'ProtectControlGroups=no', 'ProtectClock=no', 'ProtectHostname=no'],
  ...['ProtectProc=default', 'RestrictNamespaces=no', 'RestrictSUIDSGID=no', 'RestrictRealtime=no'],
  ...['LockPersonality=no', 'RestrictAddressFamilies=', 'CapabilityBoundingSet=~', 'SystemCallFilter='],
  ...['SystemCallArchitectures=', 'IPAddressDeny=', 'RemoveIPC=no', 'UMask=0022', 'DevicePolicy=auto'],
].join('\n');

function loosened(...units: string[]): Deed {
  const directories = units.map((unit) => `/etc/systemd/system/${unit}.service.d`);
  return {
    harm: `${directories.map((path) => `sudo mkdir -p ${path}; printf '[Service]\n%b\n' '${loose.replaceAll('\n', '\\n')}' | sudo tee ${path}/zz.conf >/dev/null`).join('; ')}; sudo systemctl daemon-reload`,
    mend: `${directories.map((path) => `sudo rm ${path}/zz.conf; sudo rmdir --ignore-fail-on-non-empty ${path}`).join('; ')}; sudo systemctl daemon-reload`,
  };
}

const profile = '/etc/profile.d/berth.sh';
const limits = '/etc/security/limits.d/berth.conf';
const hba = '/etc/postgresql/17/main/pg_hba.conf';
const earlier = '/var/backups/berth/20200101T000000Z-manual';
const manifest = '{"kind":"manual","sequence":1,"startedAt":"2020-01-01T00:00:00.000Z","files":[]}';
const drills = '/var/lib/berth/drills.ndjson';
const journald = '/etc/systemd/journald.conf.d/berth.conf';
const authority = '/etc/berth/tls/authority.pem';

/** A key and a certificate that ends tomorrow, for a name of nobody. */
const shortLived = (path: string) =>
  `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=other -keyout - 2>/dev/null | sudo tee ${path} >/dev/null`;

const services: Harm[] = [
  { finds: ['listening.tcp'], ...listener('harm-tcp', 'require("net").createServer().listen(4567)') },
  { finds: ['listening.udp'], ...listener('harm-udp', 'require("dgram").createSocket("udp4").bind(4567)') },
  {
    finds: ['units.failed'],
    harm: 'sudo systemd-run --quiet --unit=harm-failed --wait false || true',
    mend: 'sudo systemctl reset-failed harm-failed',
  },
  {
    finds: ['units.running'],
    harm: 'sudo systemctl --quiet disable api.service',
    mend: 'sudo systemctl --quiet enable api.service',
  },
  {
    finds: ['units.timers'],
    harm: 'sudo systemctl stop berth-backup.timer',
    mend: 'sudo systemctl start berth-backup.timer',
  },
  {
    finds: ['applications', 'postgresql', 'nginx', 'fail2ban', 'berth', 'ssh'].map(
      (what) => `exposure.${what}`,
    ),
    ...loosened('api@', 'postgresql@17-main', 'nginx', 'fail2ban', 'berth-drill', 'ssh'),
  },
  {
    finds: ['mounts.options'],
    harm: 'sudo mount -o remount,bind,nosuid,nodev,exec /dev/shm',
    mend: 'sudo systemctl restart berth-mounts.service',
  },
  {
    finds: ['logins.core'],
    harm: [edit(profile, sed('/ulimit/d', profile)), edit(limits, sed('s/core 0/core unlimited/', limits))]
      .map(({ harm }) => harm)
      .join('; '),
    mend: `sudo cp -p ${kept}${profile} ${profile}; sudo cp -p ${kept}${limits} ${limits}`,
  },
  { finds: ['logins.umask'], ...add('/etc/profile.d/zz.sh', 'umask 022\n') },
  // The listener above can be reached then.
  {
    finds: ['firewall.input', 'ports.open'],
    harm: "sudo nft 'add chain inet berth input { policy accept; }'",
    mend: "sudo nft 'add chain inet berth input { policy drop; }'",
  },
  {
    finds: ['firewall.boot'],
    harm: 'sudo systemctl --quiet disable berth-firewall.service',
    mend: 'sudo systemctl --quiet enable berth-firewall.service',
  },
  {
    finds: ['firewall.bans'],
    harm: 'sudo fail2ban-client stop berth-api >/dev/null',
    mend: 'sudo systemctl restart fail2ban',
  },
  {
    finds: ['postgresql.roles'],
    harm: psql('CREATE ROLE harm LOGIN CREATEDB'),
    mend: psql('DROP ROLE harm'),
  },
  {
    finds: ['postgresql.passwords'],
    harm: psql("ALTER ROLE api PASSWORD 'harm'"),
    mend: psql('ALTER ROLE api PASSWORD NULL'),
  },
  {
    finds: ['postgresql.connect'],
    harm: psql('GRANT CONNECT ON DATABASE api TO PUBLIC'),
    mend: psql('REVOKE ALL ON DATABASE api FROM PUBLIC'),
  },
  {
    finds: ['postgresql.peer', 'postgresql.refused'],
    ...edit(hba, sed('1i local all all trust', hba), 'sudo systemctl reload postgresql@17-main'),
  },
  {
    finds: ['sysctl.network'],
    harm: 'sudo sysctl -qw net.ipv4.conf.all.accept_redirects=1',
    mend: 'sudo sysctl -qw net.ipv4.conf.all.accept_redirects=0',
  },
  {
    finds: ['updates.automatic'],
    ...add('/etc/apt/apt.conf.d/99zzz', 'APT::Periodic::Unattended-Upgrade "0";\n'),
  },
  {
    finds: ['updates.lists'],
    harm: 'sudo touch -d "5 days ago" /var/lib/apt/lists',
    mend: 'sudo touch /var/lib/apt/lists',
  },
  {
    finds: ['updates.others', 'updates.postgresql'],
    ...edit(
      '/var/lib/dpkg/status',
      sed(
        '/^Package: \\(tzdata\\|postgresql-client-17\\)$/,/^$/s/^Version: .*/Version: 1/',
        '/var/lib/dpkg/status',
      ),
    ),
  },
  {
    finds: ['updates.reboot'],
    harm: 'sudo touch /run/reboot-required',
    mend: 'sudo rm /run/reboot-required',
  },
  {
    finds: ['disk.space', 'disk.inodes'],
    harm: 'sudo mount -t tmpfs -o size=16k,nr_inodes=3 tmpfs /boot; sudo touch /boot/one; sudo dd if=/dev/zero of=/boot/full bs=16k count=1 status=none',
    mend: 'sudo umount /boot',
  },
  {
    finds: ['backups.newest'],
    harm: `sudo mv /var/backups/berth /var/backups/kept; sudo mkdir -m 0700 /var/backups/berth ${earlier}; echo '${manifest}' | sudo tee ${earlier}/manifest.json >/dev/null`,
    mend: 'sudo rm -r /var/backups/berth; sudo mv /var/backups/kept /var/backups/berth',
  },
  {
    finds: ['backups.drill'],
    ...edit(drills, append('{"at":"2020-01-01T00:00:00.000Z","ok":true}', drills)),
  },
  { finds: ['loaded.files'], ...edit(journald, append('# changed', journald)) },
  { finds: ['certificates.authority'], ...edit(authority, shortLived(authority)) },
  // No list names it: all that is Berth's and not published is a secret.
  { finds: ['modes.berth', 'secrets.machine'], ...mode('/var/lib/berth/applied.json', '0644', '0600') },
  { finds: ['secrets.own'], ...mode('/etc/api/env', '0600', '0640') },
];

const reload = 'sudo systemctl reload nginx';
const edited = (path: string, ...expressions: string[]) =>
  edit(path, sed(expressions.join('; '), path), reload);
const nginx = (name: string) => `/etc/nginx/berth/${name}.conf`;

/** In every server of TLS, the machine's own and the application's. */
const locations = [
  'location = /.env { return 200 "JWT_KEYS=1"; }',
  'location ~ etc/passwd$ { root /; try_files /etc/passwd =404; }',
  'location /api { proxy_pass http://api; }',
  'location = /api/users/me { return 200 "{}"; }',
  'location = /api/login { return 200 "{}"; }',
].join(' ');

const serving: Harm[] = [
  {
    finds: ['tls.old', 'tls.ciphers', 'nginx.protocols'],
    ...edited(
      nginx('tls'),
      's/^ssl_protocols.*/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;/',
      's/^ssl_ciphers.*/ssl_ciphers ALL:@SECLEVEL=0;/',
    ),
  },
  {
    finds: ['headers.security', 'headers.hsts'],
    ...edited(nginx('headers'), 's/.*X-Frame.*/add_header Strict-Transport-Security max-age=1 always;/'),
  },
  {
    finds: ['smuggling.refused'],
    ...edited(nginx('errors'), 's/page 400 /page 400 = /', 's/return 400 /return 200 /'),
  },
  {
    finds: ['headers.versions', 'nginx.version', 'nginx.workers'],
    ...edited(
      '/etc/nginx/nginx.conf',
      's/server_tokens off/server_tokens on/',
      's/^user .*/user root root;/',
    ),
  },
  {
    finds: ['redirect.https', 'methods.refused', 'nginx.listing', 'paths.climbing', 'paths.hidden'],
    ...edited(
      '/etc/nginx/conf.d/berth.conf',
      's/return 308.*/return 200 hi;/',
      's/index index.html;/& autoindex on; if ($request_method = PROPFIND) { return 200; }/',
      `s,root /var/www/berth;,& ${locations},`,
      's/client_max_body_size.*/client_max_body_size 0;/',
    ),
  },
  // By the same edit.
  { finds: ['names.unknown', 'api.tokens', 'api.input', 'api.bodies'], harm: 'true', mend: 'true' },
];

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

const remote: Harm[] = [
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

/** In its sandbox it has no network that it could listen on. */
const cluster = [
  add(
    '/etc/systemd/system/postgresql@17-main.service.d/zz.conf',
    '[Service]\nPrivateNetwork=no\nRestrictAddressFamilies=AF_INET AF_INET6\nIPAddressDeny=\n',
  ),
  add('/etc/postgresql/17/main/conf.d/zz.conf', 'listen_addresses = \\047*\\047\n'),
];
const restart = 'sudo systemctl daemon-reload; sudo systemctl restart postgresql@17-main';

const broken: Harm[] = [
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

export const batches: Batch[] = [
  { title: 'accounts and files', harms: accounts },
  { title: 'services', harms: services },
  { title: 'what nginx serves', harms: serving },
  { title: 'SSH and certificates', harms: remote },
  { title: 'what does not run', harms: broken, only: true },
];

/** Findings that nothing here can bring about, and why. */
export const exempt: Record<string, string> = {
  'clock.synchronised': 'a container has its host’s clock',
  'offset.clock': 'a container has its host’s clock; a table tells it in scripts/verify.test.ts',
  'sysctl.kernel': 'a container has its host’s kernel',
  'modules.blocked': 'a container has its host’s kernel',
  'updates.security': 'by what Debian has published; a table tells it in provisioning/updates.test.ts',
};
