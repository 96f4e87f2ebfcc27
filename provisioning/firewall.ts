import { isIPv6 } from 'node:net';
import { absent, directory, file } from './resources/file.ts';
import { firewallRules } from './resources/firewall.ts';
import { atTheEnd, type Resource, type Risk } from './resources/resource.ts';
import { noService, service } from './resources/service.ts';
import type { Settings } from './settings.ts';
import { render } from './template.ts';

export const firewallService = 'berth-firewall.service';

const rulesPath = '/etc/berth/firewall.nft';
const unitPath = `/etc/systemd/system/${firewallService}`;

/** What changes nothing yet: no table is loaded before all else is there. */
export function firewallUnit(settings: Settings): Resource[] {
  const paths = [unitPath, ...Object.keys(firewallFiles(settings))];
  if (!settings.firewall.enabled) return [noService(firewallService), ...paths.map((path) => absent(path))];
  return [
    // Each login makes it where it is missing.
    ...atTheEnd([
      { ...directory({ path: '/var/lib/berth/operators', mode: 0o700, holds: 'ours' }), incidental: true },
    ]),
    file({ path: unitPath, content: render(`systemd/${firewallService}`) }),
  ];
}

export function firewall(settings: Settings): Resource[] {
  if (!settings.firewall.enabled) return [];
  const configuration = firewallFiles(settings);
  const enabled = `/etc/systemd/system/sysinit.target.wants/${firewallService}`;
  const risky: Risk = { paths: [...Object.keys(configuration), enabled], restore: [goByFiles] };
  const { [rulesPath]: rules, ...scripts } = configuration;
  return [
    file({ path: rulesPath, content: rules, proof: ['nft', '--check', '--file', '{}'] }),
    ...Object.entries(scripts).map(([path, content]) => file({ path, content })),
    service(firewallService, { configuration, onChange: 'reload' }),
    firewallRules(firewallService, openPorts(settings)),
    // Only what makes it: it locks nobody out when it goes.
  ].map((resource) => ({ ...resource, risky }));
}

/** Also where there were none. */
const goByFiles = [
  ...['sh', '-c'],
  `[ -e ${rulesPath} ] && do=reload-or-restart || do=stop; exec systemctl $do ${firewallService}`,
];

/** The table of nftables and the script that loads it, path → content, in the order in which the script notes them. */
export function firewallFiles(settings: Settings) {
  return {
    [rulesPath]: rulesOf(settings),
    '/etc/berth/firewall.sh': render('provisioning/files/firewall.sh'),
  };
}

/** What is open: `22/tcp`. */
export function openPorts({ ssh, nginx, firewall }: Settings): string[] {
  return [...[ssh.port, nginx.httpPort, nginx.httpsPort].map((port) => `${port}/tcp`), ...firewall.allow];
}

function rulesOf({ ssh, nginx, firewall }: Settings): string {
  return render('provisioning/files/firewall.nft', {
    sshPort: ssh.port,
    httpPort: nginx.httpPort,
    httpsPort: nginx.httpsPort,
    allowed: lines(firewall.allow.map(accept)),
    sources: lines(firewall.sshFrom.length === 0 ? ['goto logins'] : firewall.sshFrom.map(admit)),
  });
}

/** `8080/tcp` → `tcp dport 8080 accept`. A rule each: they may overlap. */
function accept(allowed: string): string {
  const [ports, protocol] = allowed.split('/');
  return `${protocol} dport ${ports} accept`;
}

function admit(network: string): string {
  const family = isIPv6(network.split('/')[0] ?? '') ? 'ip6' : 'ip';
  return `${family} saddr ${network} goto logins`;
}

function lines(rules: string[]): string {
  return rules.map((rule) => `    ${rule}\n`).join('');
}
