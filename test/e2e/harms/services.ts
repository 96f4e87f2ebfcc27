import {
  add,
  append,
  type Deed,
  edit,
  type Harm,
  kept,
  listener,
  mode,
  psql,
  sed,
  shortLived,
} from './deed.ts';

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

function rabbit(...commands: string[]): string {
  return commands.map((words) => `sudo rabbitmqctl --quiet ${words.replaceAll('.*', "'.*'")}`).join('; ');
}

const profile = '/etc/profile.d/berth.sh';
const limits = '/etc/security/limits.d/berth.conf';
const hba = '/etc/postgresql/17/main/pg_hba.conf';
const earlier = '/var/backups/berth/20200101T000000Z-manual';
const manifest = '{"kind":"manual","sequence":1,"startedAt":"2020-01-01T00:00:00.000Z","files":[]}';
const drills = '/var/lib/berth/drills.ndjson';
const journald = '/etc/systemd/journald.conf.d/berth.conf';
const authority = '/etc/berth/tls/authority.pem';

export const services: Harm[] = [
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
    finds: ['applications', 'postgresql', 'nginx', 'fail2ban', 'berth', 'ssh', 'rabbitmq'].map(
      (what) => `exposure.${what}`,
    ),
    ...loosened('api@', 'postgresql@17-main', 'nginx', 'fail2ban', 'berth-drill', 'ssh', 'rabbitmq-server'),
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
    finds: ['rabbitmq.users', 'rabbitmq.refused'],
    harm: rabbit('add_user guest guest', 'set_permissions -p api guest .* .* .*'),
    mend: rabbit('delete_user guest'),
  },
  {
    finds: ['rabbitmq.admitted'],
    harm: rabbit('clear_permissions -p api api'),
    mend: rabbit('set_permissions -p api api .* .* .*'),
  },
  {
    finds: ['rabbitmq.alarms'],
    harm: rabbit('set_disk_free_limit 100000GB'),
    mend: rabbit('set_disk_free_limit 512MiB'),
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
