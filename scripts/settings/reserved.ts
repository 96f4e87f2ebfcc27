/**
 * Users that Debian and Ubuntu have or that packages of ours bring (base-passwd, and /etc/passwd of a machine
 * after an apply), besides every `systemd-…` and `_…`.
 */
const users = words(`
  backup bin daemon dhcpcd fwupd-refresh games gnats irc landscape list lp lxd mail man messagebus news nobody
  ntp pollinate polkitd postfix postgres proxy root sshd statd sync sys syslog tcpdump tss usbmux uucp uuidd
  www-data
`);

/** Units, and directories in /etc, /run, /srv and /var/lib, that an application of the name would fall upon. */
const taken = words(`
  acpi adduser alternatives apparmor apport apt apt-daily auditd autofs avahi bash bind binfmt bluetooth
  ca-certificates certbot chrony cloud cloud-init cockpit console-setup credstore cron crypttab dbus debconf
  default depmod dhcp docker dpkg e2scrub emergency environment exim4 fail2ban fonts fstab ftp fstrim fwupd
  getty git group grub gshadow haproxy hostname hosts http https ifplugd init initctl initramfs-tools inputrc
  iproute2 iscsi issue kernel keyboard-setup keyring landscape ldap lighttpd locale localtime lock log login
  logind logrotate lvm machine-id magic man-db memcached misc modprobe modules monit motd motd-news mount
  multipath mysql nano netplan netplan networkd network networking networks nfs nftables nginx node ntpsec opt
  pam perl plymouth pm2 polkit postgresql postfix ppp private procps profile protocols python python3 python3
  rabbitmq rc-local redis remote-fs resolv resolvconf rsync rsyslog salt sasl screen security selinux
  sendmail services sgml shadow shells shm skel snapd snap snmp srv ssh ssl subgid subuid sudo sudoers supervisor
  swap sysctl sysstat system systemd tcb terminfo time timesyncd timezone tmpfiles tmux tor ubuntu ucf udev udisks
  ufw unattended-upgrades update upower user users utmp varnish vconsole vim vmware wireguard wpa x11 xattr xdg
  berth
`);

/** Variables that the machine sets or that a login shell obeys, each with who owns it. */
const variables: [pattern: RegExp, reason: string][] = [
  [/^PORT$/, 'it is given to each release, and moved to a socket of its own'],
  [/^BERTH_/, 'it belongs to berth'],
  [/^RELEASE$/, 'it names the release that runs'],
  [/^NODE_ENV$/, 'it is always production on a machine'],
  [/^DATABASE_POOL_MAX$/, 'it follows from postgresql.max_connections'],
  [/^DRAIN_MS$/, 'it is apps.<app>.drain'],
  [/^PM2_/, 'it belongs to pm2'],
  [
    /^(HOME|PATH|USER|LOGNAME|SHELL|PWD|OLDPWD|TERM|MAIL|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|PROMPT_COMMAND|PS[0-4]|LD_.*|XDG_.*|SSH_.*|SUDO_.*|UID|EUID|PPID)$/,
    'login shells read the same file, and this one would change them',
  ],
];

export function isSystemUser(name: string): boolean {
  return users.has(name) || /^(systemd-|berth-|_)/.test(name);
}

export function isSystemName(name: string): boolean {
  return isSystemUser(name) || taken.has(name) || /^systemd/.test(name);
}

/** Why a variable is not to be set by a person; undefined where it is. */
export function reservedVariable(name: string): string | undefined {
  return variables.find(([pattern]) => pattern.test(name))?.[1];
}

/** Which of an application's other settings sets a variable; undefined: none does. */
export function settingThatSets(
  name: string,
  { database, queue, cron }: { database: string; queue: string; cron: unknown[] },
): string | undefined {
  // Or what libpq would take instead (libpq's environment variables).
  const ofDatabase = name === 'DATABASE_URL' || /^PG[A-Z]+$/.test(name);
  if (ofDatabase && database === 'local')
    return 'database: local; to use a server elsewhere say database: url';
  if (name === 'QUEUE_URL' && queue === 'rabbitmq') return 'queue: rabbitmq';
  return name === 'CRON' && cron.length > 0 ? 'cron' : undefined;
}

function words(text: string): Set<string> {
  return new Set(text.trim().split(/\s+/));
}
