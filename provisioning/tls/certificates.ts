import {
  authority,
  type Loaded,
  load,
  otherNames,
  parse,
  publishedAuthority,
  serverCertificate,
} from '../resources/certificate.ts';
import {
  absent,
  directory,
  type FileState,
  file,
  gone,
  planWrite,
  readFileState,
} from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import { checksums, noService, service } from '../resources/service.ts';
import { group, user } from '../resources/user.ts';
import { rootUnit } from '../root-unit.ts';
import type { AcmeTls, OwnTls, Settings, SiteSecrets, TlsSettings } from '../settings.ts';
import { render } from '../template.ts';
import {
  acme,
  authorityPath,
  directoryCaPath,
  hstsPath,
  issuedPath,
  publishedPath,
  secretFile,
  serverPath,
} from './files.ts';
import { dueFor, type IssueState, readIssueState } from './issue.ts';
import { type IssueRecord, isAbout, readRecord } from './record.ts';

const certificateService = 'berth-certificate.service';
const certificateTimer = 'berth-certificate.timer';
export const certificateUnits = [certificateService, certificateTimer];

/** What nginx can serve with from its first start on: the machine's own authority vouches for it meanwhile. */
export function certificates({ tls, extraCa }: Settings, secrets: SiteSecrets): Resource[] {
  const standIn = { standIn: tls.kind === 'letsencrypt' };
  return [
    directory({ path: '/etc/berth/tls' }),
    authority(authorityPath, tls.names),
    publishedAuthority(publishedPath, authorityPath),
    tls.kind === 'own'
      ? ownCertificate(tls, secrets.tlsKey)
      : serverCertificate(serverPath, authorityPath, tls.names, standIn),
    ...(tls.kind === 'letsencrypt' ? account(tls, extraCa) : noAccount()),
  ];
}

/** Who talks to the ACME authority, and where nginx finds the answers to its challenges. */
function account({ ca }: AcmeTls, extraCa: string[]): Resource[] {
  const { user: name, home, webroot } = acme;
  const own = { owner: name, group: name };
  return [
    group(name),
    user({ name, home, system: true }),
    directory({ path: home, holds: 'ours' }),
    directory({ path: webroot, ...own }),
    ...['config', 'work', 'logs'].map((part) => directory({ path: `${home}/${part}`, mode: 0o700, ...own })),
    ca === null
      ? absent(directoryCaPath)
      : file({ path: directoryCaPath, content: [ca, ...extraCa].join('') }),
  ];
}

/** Of an earlier apply. */
function noAccount(): Resource[] {
  const { user: name, home } = acme;
  const goals = [user({ name, home, system: true }), group(name)].flatMap(
    (resource) => resource.inverse({ purge: false }).goal ?? [],
  );
  return [
    ...[directoryCaPath, issuedPath, home].map((path) => absent(path)),
    ...goals.map((goal) => ({ ...goal, inverse: () => ({}) })),
  ];
}

/** Before systemd is told of its units. */
export function certificateUnitFiles({ tls: { kind } }: Settings): Resource[] {
  const path = (unit: string) => `/etc/systemd/system/${unit}`;
  if (kind !== 'letsencrypt') {
    return [noService(certificateTimer), ...certificateUnits.map((unit) => absent(path(unit)))];
  }
  const sandbox = {
    writable: ['/var/lib/berth', '/run'],
    capabilities: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'],
    network: true,
  };
  return [
    file({
      path: path(certificateService),
      content: rootUnit('systemd/berth-certificate.service', sandbox),
    }),
    file({ path: path(certificateTimer), content: render('systemd/berth-certificate.timer') }),
  ];
}

/** Once nginx answers the authority's challenges and the machine keeps its settings, which the service goes by. */
export function issuance({ tls }: Settings): Resource[] {
  if (tls.kind !== 'letsencrypt') return [];
  return [service(certificateTimer), issued(tls), installed(tls)];
}

/** The authority was asked for a certificate for these names; should it refuse, the timer goes on asking. */
function issued(tls: AcmeTls): Resource<IssueState> {
  return {
    id: `certificate of ${new URL(tls.directory).host}`,
    check: readIssueState,
    plan(state) {
      const reason = dueFor(tls, state);
      if (reason === null || (isAbout(state.record, tls) && state.record.failure)) return [];
      const summary = `ask for a certificate for ${tls.names.join(', ')} (${reason})`;
      const argv = ['systemctl', 'start', certificateService];
      return [{ do: 'run', summary, argv, mayFail: true, action: state.issued ? 'change' : 'add' }];
    },
    // It comes with time.
    byHand: () => [],
    inverse: () => ({ goal: gone(issuedPath) }),
  };
}

type InstalledState = {
  issued: Loaded | null;
  pem: string | null;
  server: FileState;
  hsts: FileState;
  record: IssueRecord | null;
  /** What nginx has read, as sha256sum prints it. */
  read: string | null;
  now: number;
};

/** nginx serves with what was issued last, once that is for the right names: until then with what it has. */
export function installed(tls: AcmeTls): Resource<InstalledState> {
  return {
    id: `installed certificate ${serverPath}`,
    async check(host) {
      const [issued, pem, server, hsts, record, read] = await Promise.all([
        load(host, issuedPath),
        host.read(issuedPath),
        readFileState(host, serverPath),
        readFileState(host, hstsPath),
        readRecord(host),
        host.read('/run/berth/loaded/nginx.service'),
      ]);
      return { issued, pem, server, hsts, record, read, now: Date.now() };
    },
    plan({ issued, pem, server, hsts, record, read, now }) {
      const fits = issued?.keyMatches && otherNames(issued, tls.names) === null;
      if (!fits || pem === null || Date.parse(issued.certificate.validTo) < now) return [];
      const note = `of ${issuerOf(issued)}`;
      const changes = [
        ...planWrite(writeHsts(hstsOf(tls, isFrom(tls, record)), hsts.content), hsts.stat),
        ...planWrite(writeServer(pem, server.content, note), server.stat),
      ];
      if (read?.includes(checksums({ [serverPath]: pem })) && changes.length === 0) return [];
      return [...changes, { do: 'run', argv: ['systemctl', 'reload', 'nginx.service'] }];
    },
    byHand: () => [],
    inverse: () => ({}),
  };
}

function writeServer(content: string, before: string | null, note: string) {
  const proofInPlace = ['nginx', '-t', '-q'];
  return {
    do: 'write',
    path: serverPath,
    content,
    before,
    ...secretFile,
    secret: true,
    note,
    proofInPlace,
  } as const;
}

function writeHsts(content: string, before: string | null) {
  return { do: 'write', path: hstsPath, content, before, mode: 0o644, owner: 'root', group: 'root' } as const;
}

type HstsState = { own: FileState; server: string | null; issued: string | null; record: IssueRecord | null };

/** Browsers are told to come by https alone once somebody vouches for the certificate whom they know. */
export function hsts({ tls }: Settings): Resource<HstsState> {
  return {
    id: 'HSTS',
    async check(host) {
      const [own, server, issued, record] = await Promise.all([
        readFileState(host, hstsPath),
        host.read(serverPath),
        host.read(issuedPath),
        readRecord(host),
      ]);
      return { own, server, issued, record };
    },
    plan({ own, server, issued, record }) {
      const known = tls.kind === 'letsencrypt' && server !== null && server === issued && isFrom(tls, record);
      return planWrite(writeHsts(hstsOf(tls, tls.kind === 'own' || known), own.content), own.stat);
    },
    inverse: () => ({ goal: gone(hstsPath) }),
  };
}

/** Not of a staging authority, say, that was asked before. */
function isFrom({ directory }: AcmeTls, record: IssueRecord | null): boolean {
  return record?.issuedFrom === directory;
}

/** Mozilla's two years. */
function hstsOf(tls: TlsSettings, trusted: boolean): string {
  const on = tls.kind !== 'local' && tls.hsts && trusted;
  return render('nginx/hsts.conf', { value: on ? 'max-age=63072000' : '' });
}

/** A certificate of the person's own; its key comes with an apply and is kept nowhere else. */
function ownCertificate({ chain }: OwnTls, key: string | undefined): Resource<FileState> {
  return {
    id: `certificate ${serverPath}`,
    check: (host) => readFileState(host, serverPath),
    plan({ stat, content }) {
      const there = content?.endsWith(chain) && parse(content)?.keyMatches ? content : null;
      // Drift is looked for without it, and writes nothing.
      const wanted = there ?? (key ?? '') + chain;
      return planWrite(writeServer(wanted, content, 'of tls.cert and tls.key'), stat);
    },
    inverse: () => ({ goal: gone(serverPath) }),
  };
}

/** Who issued it, in a word: `Let's Encrypt`. */
export function issuerOf({ certificate }: Loaded): string {
  const parts = Object.fromEntries(certificate.issuer.split('\n').map((line) => line.split(/=(.*)/s)));
  return parts.O ?? parts.CN ?? certificate.issuer;
}
