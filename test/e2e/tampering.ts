import { platformOf } from '../../provisioning/platform.ts';
import { site } from '../../provisioning/site.ts';
import { parseHostFile, resolveSettings } from '../../scripts/settings.ts';

/** Resources that can be changed by hand at once, and what changes them. */
export type Tampering = { resources: string[]; harm: string };

const conf = '/etc/postgresql/17/main/conf.d/berth.conf';

/** Loads a changed configuration, then puts the file back: only the running service is not as it shall be. */
const loadOther = (path: string, verb: string, unit: string) =>
  `sudo cp -p ${path} /tmp/kept; echo '# changed' | sudo tee -a ${path} >/dev/null; sudo systemctl ${verb} ${unit}; sudo cp -p /tmp/kept ${path}`;

/** By the resource's id, where its kind does not say it all. */
const special: Record<string, string> = {
  hostname: 'sudo hostnamectl set-hostname other',
  'time zone': 'sudo ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime',
  pages: "echo '<!-- changed -->' | sudo tee -a /var/www/berth/pages/home/index.html >/dev/null",
  'others in /etc/nginx/berth': 'sudo touch /etc/nginx/berth/earlier.conf',
  'others in /var/www/berth': 'sudo touch /var/www/berth/left',
  packages: 'sudo dpkg --remove --force-depends logrotate >/dev/null',
  'others in /etc/sudoers.d': 'sudo install -m 0440 /dev/null /etc/sudoers.d/berth-earlier',
  'trusted authorities': 'sudo touch /usr/local/share/ca-certificates/berth-earlier.crt',
  'include in /etc/ssh/sshd_config': "sudo sed -i '/^Include/d' /etc/ssh/sshd_config",
  'locked password of root': "sudo usermod --password 'x$y$z' root",
  'group berth-web': 'sudo usermod --append --groups berth-web nobody',
  'systemd units': "echo '[Service]' | sudo tee /etc/systemd/system/nginx.service.d/zz.conf >/dev/null",
  'service systemd-journald.service': loadOther(
    '/etc/systemd/journald.conf.d/berth.conf',
    'restart',
    'systemd-journald',
  ),
  'service postgresql@17-main.service': loadOther(conf, 'reload', 'postgresql@17-main'),
  'service ssh.service': loadOther('/etc/ssh/sshd_config.d/00-berth.conf', 'reload', 'ssh'),
  'service nginx.service': loadOther('/etc/nginx/conf.d/berth.conf', 'reload', 'nginx'),
  'service fail2ban.service': 'sudo systemctl --quiet disable fail2ban.service 2>/dev/null',
  'service berth-firewall.service': 'sudo systemctl --quiet disable berth-firewall.service',
  'rules of the firewall': 'sudo nft add rule inet berth input tcp dport 9 accept',
  'service api.service': 'sudo systemctl --quiet disable api.service 2>/dev/null',
  'service berth-notify.path': 'sudo systemctl --quiet disable berth-notify.path',
  'service berth-backup.timer': 'sudo systemctl --quiet disable berth-backup.timer 2>/dev/null',
  'service berth-drill.timer': 'sudo systemctl --quiet disable berth-drill.timer 2>/dev/null',
  'service berth-drift.timer': 'sudo systemctl --quiet disable berth-drift.timer 2>/dev/null',
  'service berth-mounts.service': 'sudo systemctl --quiet disable berth-mounts.service 2>/dev/null',
  'service berth-reboot.timer': 'sudo systemctl --quiet disable berth-reboot.timer 2>/dev/null',
  'kernel settings': 'sudo sysctl --quiet --write net.ipv4.conf.all.accept_redirects=1',
  'blocked kernel modules':
    'echo "install vfat /bin/false" | sudo tee -a /etc/modprobe.d/berth.conf >/dev/null',
  'values in /etc/login.defs': "sudo sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs",
  'modes of system paths': 'sudo chmod 0644 /etc/crontab',
  'mount options of /dev/shm, /tmp': 'sudo mount -o remount,bind,nosuid,nodev,exec /dev/shm',
  'recorded updates': 'sudo rm /var/lib/berth/updates.json',
  'sandbox of ssh.service': 'sudo rm /run/berth/confined/ssh.service',
  // Another list would be one that nginx has not read, too: the mode alone differs here.
  'admitted to api': 'sudo chmod 0600 /etc/nginx/conf.d/berth-maintenance-api.conf',
  'role api': 'sudo -u postgres psql -qc "ALTER ROLE api CREATEDB"',
  'database api': 'sudo -u postgres psql -qc "GRANT CONNECT ON DATABASE api TO PUBLIC"',
  'database postgres': 'sudo -u postgres psql -qc "GRANT CONNECT ON DATABASE postgres TO PUBLIC"',
  'database template1': 'sudo -u postgres psql -qc "GRANT CONNECT ON DATABASE template1 TO PUBLIC"',
  'environment of api': 'sudo sed -i s/production/development/ /etc/api/env',
  'certificate authority': 'sudo chmod 0640 /etc/berth/tls/authority.pem',
  // Another certificate would be one that nginx has not read, too: the mode alone differs here.
  'certificate /etc/berth/tls/server.pem': 'sudo chmod 0644 /etc/berth/tls/server.pem',
  HSTS: 'sudo chmod 0600 /etc/nginx/conf.d/berth.hsts.conf',
  'no user berth-acme': 'sudo useradd --system --no-create-home berth-acme',
  'no group berth-acme': 'sudo groupadd --system berth-acme',
  'repository /home/deploy/api': 'git --git-dir /home/deploy/api symbolic-ref HEAD refs/heads/other',
  'others in /home/deploy/api/hooks': 'sudo touch /home/deploy/api/hooks/post-receive',
  'release of api': 'sudo systemctl stop "api@*.service"',
};

/**
 * Not to be tampered with here: who takes the host key away is not known any more, a timer that is not to be
 * there has no file either, a container takes no swap and no clock, a waiting setting or sandbox is a notice while
 * a release runs, and without a user's own group that user's files differ as well.
 */
const exempt = [
  'host key /etc/ssh/ssh_host_ed25519_key',
  'no service berth-certificate.timer',
  ...['swap', 'clock', 'settings of postgresql@17-main.service', 'group deploy', 'group api'],
  ...['nginx', 'postgresql@17-main', 'fail2ban'].map((name) => `sandbox of ${name}.service`),
];

/** Nothing of it is there, and what is not used stays as it is. */
const isOfBroker = (id: string) => /rabbitmq|epmd/i.test(id);

const byKind: [RegExp, (found: string[]) => string][] = [
  // A changed unit file is also one that systemd has not read; another mode is not.
  [/^file (\/etc\/systemd\/system\/.*)$/, ([path]) => `sudo chmod 0600 ${path}`],
  [/^file (.*)$/, ([path]) => `echo '# changed' | sudo tee -a ${path} >/dev/null`],
  [/^directory (.*)$/, ([path]) => `sudo chmod 0701 ${path}`],
  [/^log (.*)$/, ([path]) => `sudo chmod 0644 ${path}`],
  [/^link (.*)$/, ([path]) => `sudo ln -sfn elsewhere ${path}`],
  [/^absent (.*)$/, ([path]) => `sudo touch ${path}`],
  [/^block in (.*)$/, ([path]) => `sudo sed -i '/berth: begin/,/berth: end/d' ${path}`],
  [/^user (.*)$/, ([name]) => `sudo usermod --shell /bin/sh ${name}`],
  [/^member (.*) of (.*)$/, ([name, group]) => `sudo gpasswd --delete ${name} ${group} >/dev/null`],
  [/^leftovers in (.*)$/, ([path]) => `sudo mkdir ${path}/left`],
];

/** Plain files and directories do not touch one another; what people log in by is tried alone. */
const together = 8;
const isPlain = (id: string) =>
  /^(file|directory) /.test(id) &&
  !/ \/(home|etc\/(sudoers|ssh|systemd\/system\/ssh))/.test(id) &&
  !(id in special);

/** A way to change each resource of the site by hand, and no other with it. */
export function tamperings(): Tampering[] {
  const ids = siteIds().filter((id) => !exempt.includes(id) && !isOfBroker(id));
  const plain = ids.filter(isPlain);
  const groups = Array.from({ length: Math.ceil(plain.length / together) }, (_, at) =>
    plain.slice(at * together, (at + 1) * together),
  );
  return [...groups, ...ids.filter((id) => !isPlain(id)).map((id) => [id])].map((resources) => ({
    resources,
    harm: resources.map((id) => special[id] ?? byPattern(id)).join('; '),
  }));
}

function byPattern(id: string): string {
  for (const [pattern, harm] of byKind) {
    const found = id.match(pattern);
    if (found) return harm(found.slice(1));
  }
  throw new Error(`no way to tamper with ${id} is known`);
}

function siteIds(): string[] {
  const file = { name: 'local', path: 'local.yml', root: '/' };
  const reach = { alias: 'local', firstUser: 'root', publicKey: 'ssh-ed25519 key', names: ['10.77.0.2'] };
  const settings = resolveSettings(
    parseHostFile('machine: {kind: container}\napps: {api: {}}\n', file),
    reach,
  );
  const platform = platformOf('ID=debian\nVERSION_ID="13"\n');
  return site({ settings, platform, memoryMiB: 2048, code: 'code', runtime: 'runtime', web: 'web' }).map(
    ({ id }) => id,
  );
}
