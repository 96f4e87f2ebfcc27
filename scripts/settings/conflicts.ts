import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { HostYaml, Path, Problem } from './document.ts';
import { namesIn } from './files.ts';
import { pathText } from './problems.ts';
import { settingThatSets } from './reserved.ts';
import { type AppDocument, type HostDocument, letsEncrypt } from './schema.ts';

/** Linux passes a program no variable longer than 128 KiB; a single task takes no more than 64. */
const maxCronBytes = 100 * 1024;

/** What no key is wrong about alone: settings that cannot stand side by side. */
export function conflicts(host: HostDocument, yaml: HostYaml): Problem[] {
  const apps = Object.entries(host.apps);
  const found: [path: Path, text: string][] = [
    ...ports(host),
    ...certificate(host),
    ...vagrant(host),
    ...apps.flatMap(([name, app], index) => [
      ...own(name, app, host),
      ...apps.slice(0, index).flatMap((earlier) => between(name, app, earlier)),
    ]),
  ];
  return found.map(([path, text]) => yaml.problemAt(path, 'key', `${pathText(path)}: ${text}`));
}

function ports({ nginx }: HostDocument): [Path, string][] {
  if (nginx.http_port !== nginx.https_port) return [];
  return [[['nginx', 'https_port'], `${nginx.https_port} is http_port too; give each a port of its own`]];
}

function certificate(host: HostDocument): [Path, string][] {
  const { tls, nginx } = host;
  const found = tls.kind === 'letsencrypt' ? issuable(host) : tls.kind === 'own' ? covered(host) : [];
  const elsewhere = (nginx.public_https_port ?? nginx.https_port) !== 443;
  if (tls.hsts && elsewhere)
    found.push([['tls', 'hsts'], 'sends browsers to port 443, where this site is not; take it out']);
  return found;
}

/** Ends of names that lead nowhere in public (RFC 2606, 6761, 6762, 8375). */
const privateNames = /(^|\.)(test|example|invalid|localhost|local|internal|home\.arpa)$/;

function issuable({ tls, apps }: HostDocument): [Path, string][] {
  const domains = Object.values(apps).flatMap((app) => app.domains);
  const address = tls.names.find((name) => isIP(name));
  if (address) return [[['tls', 'names'], `${address} is an address; name what leads to it`]];
  const names = [...tls.names, ...domains];
  if (names.length === 0) {
    const text = 'letsencrypt wants a name that leads to this machine: apps.<app>.domains, or tls.names';
    return [[['tls'], text]];
  }
  const publicly = tls.directory === letsEncrypt.directory;
  const hidden = names.find((name) => publicly && (!name.includes('.') || privateNames.test(name)));
  return hidden === undefined ? [] : [[['tls'], `letsencrypt issues nothing for ${hidden}, no public name`]];
}

function covered({ tls, apps }: HostDocument): [Path, string][] {
  const domains = Object.values(apps).flatMap((app) => app.domains);
  const server = new X509Certificate(tls.cert);
  const others = [...tls.names, ...domains].filter(
    (name) => !(isIP(name) ? server.checkIP(name) : server.checkHost(name)),
  );
  if (others.length > 0) return others.map((name) => [['tls', 'cert'], `is not for ${name}`]);
  if (tls.names.length + domains.length + namesIn(tls.cert).length > 0) return [];
  return [[['tls', 'cert'], 'is for no name in full; say in tls.names what leads to this machine']];
}

/** The Vagrantfile forwards these and no others, and Vagrant itself logs in at 22. */
function vagrant({ machine, ssh, nginx }: HostDocument): [Path, string][] {
  if (machine.kind !== 'vagrant') return [];
  const fixed: [Path, given: number, wanted: number][] = [
    [['ssh', 'port'], ssh.port, 22],
    [['nginx', 'http_port'], nginx.http_port, 80],
    [['nginx', 'https_port'], nginx.https_port, 443],
  ];
  return fixed
    .filter(([, given, wanted]) => given !== wanted)
    .map(([path, , wanted]) => [path, `a machine of Vagrant's is forwarded to at ${wanted}; leave it out`]);
}

function own(name: string, app: AppDocument, { admin }: HostDocument): [Path, string][] {
  const { env, secrets, shared, cron } = app;
  const at = ['apps', name];
  const generated = secrets.filter((secret) => Object.hasOwn(env, secret));
  const named: [Path, string][] = [
    ...Object.keys(env).map((key): [Path, string] => [[...at, 'env', key], key]),
    ...secrets.map((key, index): [Path, string] => [[...at, 'secrets', index], key]),
  ];
  const ofSettings = named.flatMap(([path, key]): [Path, string][] => {
    const setting = settingThatSets(key, app);
    return setting === undefined ? [] : [[path, `is set by ${setting}`]];
  });
  const nested = shared.filter((folder) => shared.some((other) => folder.startsWith(`${other}/`)));
  return [
    ...(admin.user === name
      ? [[at, 'is also admin.user; the two must be different users'] as [Path, string]]
      : []),
    ...generated.map((key): [Path, string] => [
      [...at, 'env', key],
      'is also in secrets, whose values are made on the machine; take it out of one of them',
    ]),
    ...ofSettings,
    ...tooLong(cron).map((text): [Path, string] => [[...at, 'cron'], text]),
    ...nested.map((folder): [Path, string] => [
      [...at, 'shared'],
      `${folder} lies in another shared folder; the outer one is enough`,
    ]),
  ];
}

function tooLong(cron: AppDocument['cron']): string[] {
  const bytes = Buffer.byteLength(JSON.stringify(cron));
  return bytes > maxCronBytes
    ? [`is ${bytes} bytes as JSON, and at most ${maxCronBytes} can be passed on`]
    : [];
}

/** nginx has one server block for each list of domains, and in it one location for each prefix. */
function between(
  name: string,
  app: AppDocument,
  [otherName, other]: [string, AppDocument],
): [Path, string][] {
  const at = ['apps', name];
  const same = [...app.domains].sort().join() === [...other.domains].sort().join();
  if (same && app.prefix === other.prefix) {
    return [
      [
        [...at, 'prefix'],
        `${app.prefix} is the prefix of apps.${otherName} too; give each its own prefix or domains`,
      ],
    ];
  }
  const shared = app.domains.find((domain) => other.domains.includes(domain));
  if (same || shared === undefined) return [];
  return [
    [
      [...at, 'domains'],
      `apps.${otherName} has ${shared} too, but not the same list; give both the same domains`,
    ],
  ];
}
