import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import type {
  AppSettings,
  BackupSettings,
  FirewallSettings,
  Settings,
  SiteSecrets,
  TlsSettings,
} from '../provisioning/settings.ts';
import type { Reach } from './machines/machine.ts';
import { conflicts } from './settings/conflicts.ts';
import { type Problem, readYaml } from './settings/document.ts';
import { namesIn, readPrivateKey } from './settings/files.ts';
import { schemaProblems } from './settings/problems.ts';
import { type AppDocument, type HostDocument, hostSchema, letsEncrypt } from './settings/schema.ts';

/** `provisioning/hosts/<name>.yml`, parsed and validated. */
export type HostFile = {
  name: string;
  /** The file, as errors name it, e.g. `provisioning/hosts/local.yml`. */
  path: string;
  machine: MachineSettings;
  /** The file says `machine.kind: auto`; `machine` is what that stands for. */
  auto: boolean;
  /** Complete but for what only the machine knows: `resolveSettings` fills that in. */
  settings: Settings;
  /** The absolute path of `tls.key`; null: there is none. */
  tlsKey: string | null;
};

export type MachineSettings = ContainerSettings | VagrantSettings | SshSettings;

/** What `machine.kind: auto` may stand for. */
export type AutoKind = 'container' | 'vagrant';

export type ContainerSettings = {
  kind: 'container';
  image: 'debian-12' | 'debian-13';
  /** A private /24, e.g. `10.77.0.0/24`. */
  network: string;
};

/** Its size, box and ports are the Vagrantfile's variables. */
export type VagrantSettings = { kind: 'vagrant' };

export type SshSettings = {
  kind: 'ssh';
  host: string;
  port?: number;
  user?: string;
  /** The absolute path of the private key that ssh is to use. */
  identity?: string;
};

/**
 * Parses and validates the text of a hosts file. Throws BerthError `settings_invalid` with every problem, a line
 * each: `provisioning/hosts/local.yml:12:3 apps.api.procesess: unknown key; did you mean "processes"?`.
 * Files that it names (`extra_ca`, `machine.identity`) are read, relative to its own directory. `auto` is what
 * `machine.kind: auto` stands for.
 */
export function parseHostFile(
  text: string,
  { name, path, root, auto = 'container' }: { name: string; path: string; root: string; auto?: AutoKind },
): HostFile {
  const yaml = readYaml(text);
  if (yaml.problems.length > 0) throw invalid(path, yaml.problems);
  if (yaml.value === null) throw invalid(path, [{ line: 1, column: 1, text: EMPTY }]);
  const schema = hostSchema(dirname(join(root, path)));
  const { value, error } = schema.validate(yaml.value, { abortEarly: false, convert: false });
  if (error) throw invalid(path, schemaProblems(error.details, schema, yaml));
  const isAuto = value.machine.kind === 'auto';
  const document = isAuto ? { ...value, machine: { ...value.machine, kind: auto } } : value;
  const found = conflicts(document, yaml);
  if (found.length > 0) throw invalid(path, found);
  const tlsKey = document.tls.kind === 'own' ? document.tls.key : null;
  const read = { settings: settingsOf(name, document), tlsKey };
  return { name, path, machine: machineOf(document), auto: isAuto, ...read };
}

/**
 * The settings completed with what is known once the machine exists.
 * Throws BerthError `settings_invalid` where nobody could log in as the sudo user.
 */
export function resolveSettings({ settings, path }: HostFile, reach: Reach): Settings {
  const { admin, tls } = settings;
  const keys = admin.keys.length > 0 || reach.publicKey === undefined ? admin.keys : [reach.publicKey];
  if (keys.length === 0)
    throw new BerthError(
      'settings_invalid',
      `${path}: admin.keys names no key, and the machine has none of its own`,
      'add the line of your .pub file to admin.keys',
    );
  const domains = Object.values(settings.apps).flatMap((app) => app.domains);
  const own = tls.kind === 'local' ? reach.names : [];
  const given = tls.names.length > 0 ? tls.names : own;
  const names = [...new Set([...given, ...domains].map((name) => name.toLowerCase()))];
  return { ...settings, ...ofVagrant(settings, reach), admin: { ...admin, keys }, tls: { ...tls, names } };
}

/** What the Vagrantfile was told counts where the hosts file says nothing else. */
function ofVagrant({ name, hostname, ssh, nginx }: Settings, { vagrant, firstUser }: Reach) {
  if (vagrant === undefined) return {};
  const { httpsPort, publicHttpsPort } = nginx;
  return {
    hostname: hostname === name ? vagrant.hostname : hostname,
    ssh: { ...ssh, vagrant: firstUser },
    nginx: {
      ...nginx,
      publicHttpsPort: publicHttpsPort === httpsPort ? vagrant.httpsPort : publicHttpsPort,
    },
  };
}

/**
 * What an apply brings besides the settings, read from files of this computer.
 * Throws BerthError `settings_invalid` where they cannot serve.
 */
export function readSecrets({ settings: { tls }, tlsKey, path }: HostFile): SiteSecrets {
  if (tls.kind !== 'own' || tlsKey === null) return {};
  try {
    const key = readPrivateKey(tlsKey);
    const certificate = new X509Certificate(tls.chain);
    if (certificate.validToDate < new Date())
      throw new RangeError(`belongs to a certificate that expired on ${certificate.validTo}`);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      throw new RangeError('is not the key of tls.cert');
    return { tlsKey: key };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BerthError('settings_invalid', `${path} tls.key: ${tlsKey} ${error.message}`, `mend ${path}`);
  }
}

const EMPTY = 'the file is empty; the least is: {machine: {kind: container}, apps: {api: {}}}';
const MIB = 1024 ** 2;

function machineOf({ machine }: HostDocument): MachineSettings {
  const { kind, image, network, memory: _, ...ssh } = machine;
  if (kind === 'ssh') return { kind, ...ssh };
  return kind === 'vagrant' ? { kind } : { kind: 'container', image, network };
}

function settingsOf(name: string, host: HostDocument): Settings {
  const {
    http_port: httpPort,
    https_port: httpsPort,
    public_https_port: publicHttpsPort = httpsPort,
  } = host.nginx;
  return {
    name,
    hostname: host.hostname ?? name,
    memoryMiB: host.machine.kind === 'container' ? Math.floor(host.machine.memory / MIB) : null,
    timezone: host.timezone,
    locale: host.locale,
    admin: host.admin,
    ssh: { ...host.ssh, vagrant: null },
    confirmWithinMs: host.confirm_within,
    journal: { maxUseMiB: Math.floor(host.journal.max_use / MIB) },
    swap: { mode: host.swap },
    upgrades: host.upgrades,
    tls: tlsOf(host.tls, publicHttpsPort === 443),
    nginx: { httpPort, httpsPort, publicHttpsPort },
    firewall: firewallOf(host.firewall),
    postgresql: {
      memoryPercent: host.postgresql.memory_percent,
      maxConnections: host.postgresql.max_connections,
    },
    notify: host.notify,
    backup: { ...host.backup, restic: resticOf(host.backup.restic) },
    proxy: { url: host.proxy.url, noProxy: host.proxy.no_proxy },
    extraCa: host.extra_ca,
    apps: Object.fromEntries(Object.entries(host.apps).map(([app, its]) => [app, appOf(app, its, host)])),
  };
}

function tlsOf({ kind, names, ...tls }: HostDocument['tls'], standardPort: boolean): TlsSettings {
  const { directory, email, ca } = tls;
  const publicly = directory === letsEncrypt.directory;
  switch (kind) {
    case 'local':
      return { kind, names };
    case 'own':
      return {
        kind,
        names: names.length > 0 ? names : namesIn(tls.cert),
        chain: tls.cert,
        hsts: tls.hsts ?? false,
      };
    case 'letsencrypt': {
      const staging = tls.staging ?? (publicly ? letsEncrypt.staging : null);
      return { kind, names, email, directory, staging, ca, hsts: tls.hsts ?? (publicly && standardPort) };
    }
  }
}

function firewallOf({ ssh_from: sshFrom, ...rest }: HostDocument['firewall']): FirewallSettings {
  return { ...rest, sshFrom };
}

function appOf(name: string, app: AppDocument, { timezone }: HostDocument): AppSettings {
  const { body_limit: bodyLimitBytes, timeouts, drain: drainMs, watch: watchMs, ...rest } = app;
  const {
    start_timeout: startTimeoutMs,
    dump_before_release: dumpBeforeRelease,
    openapi = app.prefix === '/api' ? '/api/openapi.json' : 'none',
    processes,
    domains,
    memory,
    cron,
    ...same
  } = rest;
  const counts = Object.entries(processes)
    .filter(([, count]) => count !== 0)
    .map(([process, count]) => [process, count === 'auto' ? 0 : count]);
  // Sorted, for nginx keeps one server block for each list of domains.
  return {
    name,
    ...same,
    openapi: openapi === 'none' ? null : openapi,
    domains: domains.toSorted(),
    processes: Object.fromEntries(counts),
    memoryMiB: memory === 'auto' ? null : Math.floor(memory / MIB),
    bodyLimitBytes,
    timeouts: { answerMs: timeouts.answer, connectMs: timeouts.connect },
    drainMs,
    startTimeoutMs,
    watchMs,
    dumpBeforeRelease,
    cron: cron.map((entry) => ({ timezone, ...entry })),
  };
}

function resticOf({ repository }: HostDocument['backup']['restic']): BackupSettings['restic'] {
  return repository === null ? null : { repository };
}

function invalid(path: string, problems: Problem[]): BerthError {
  const lines = problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, text }) => `${path}:${line}:${column} ${text}`);
  const title = lines.length === 1 ? [] : [`${path} has ${lines.length} problems`];
  return new BerthError(
    'settings_invalid',
    [...title, ...lines].join('\n'),
    `mend ${path}; provisioning/hosts/example.yml explains every setting`,
  );
}
