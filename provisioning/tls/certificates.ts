import { createHash } from 'node:crypto';
import {
  authority,
  isLocal,
  type Loaded,
  load,
  otherNames,
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
import { noService, service } from '../resources/service.ts';
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
import { isAbout } from './record.ts';

const certificateService = 'berth-certificate.service';
const certificateTimer = 'berth-certificate.timer';
export const certificateUnits = [certificateService, certificateTimer];

/** What nginx can serve with from its first start on: the machine's own authority vouches for it meanwhile. */
export function certificates({ tls }: Settings, secrets: SiteSecrets): Resource[] {
  const standIn = { standIn: tls.kind === 'letsencrypt' };
  return [
    directory({ path: '/etc/berth/tls' }),
    authority(authorityPath, tls.names),
    publishedAuthority(publishedPath, authorityPath),
    tls.kind === 'own'
      ? ownCertificate(tls, secrets.tlsKey)
      : serverCertificate(serverPath, authorityPath, tls.names, standIn),
    ...(tls.kind === 'letsencrypt' ? account(tls) : [absent(directoryCaPath)]),
    ...unitFiles(tls),
  ];
}

/** Who talks to the ACME authority, and where nginx finds the answers to its challenges. */
function account({ ca }: AcmeTls): Resource[] {
  const { user: name, home, webroot } = acme;
  const own = { owner: name, group: name };
  return [
    group(name),
    user({ name, home, system: true }),
    directory({ path: home, ...own }),
    directory({ path: webroot, ...own }),
    ...['config', 'work', 'logs'].map((part) => directory({ path: `${home}/${part}`, mode: 0o700, ...own })),
    ca === null ? absent(directoryCaPath) : file({ path: directoryCaPath, content: ca }),
  ];
}

function unitFiles({ kind }: TlsSettings): Resource[] {
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
  now: number;
};

/** nginx serves with what was issued last, once that is for the right names: until then with what it has. */
export function installed(tls: AcmeTls): Resource<InstalledState> {
  return {
    id: `installed certificate ${serverPath}`,
    async check(host) {
      const [issued, pem, server, hsts] = await Promise.all([
        load(host, issuedPath),
        host.read(issuedPath),
        readFileState(host, serverPath),
        readFileState(host, hstsPath),
      ]);
      return { issued, pem, server, hsts, now: Date.now() };
    },
    plan({ issued, pem, server, hsts, now }) {
      const fits = issued?.keyMatches && otherNames(issued, tls.names) === null;
      if (!fits || pem === null || Date.parse(issued.certificate.validTo) < now) return [];
      if (server.content === pem) return planWrite(writeServer(pem, server.content, ''), server.stat);
      return [
        ...planWrite(writeHsts(hstsOf(tls, true), hsts.content), hsts.stat),
        writeServer(pem, server.content, `of ${issuerOf(issued)}`),
        { do: 'run', argv: ['systemctl', 'reload', 'nginx.service'] },
      ];
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

type HstsState = { own: FileState; server: Loaded | null };

/** Browsers are told to come by https alone once somebody vouches for the certificate whom they know. */
export function hsts({ tls }: Settings): Resource<HstsState> {
  return {
    id: 'HSTS',
    async check(host) {
      const [own, server] = await Promise.all([readFileState(host, hstsPath), load(host, serverPath)]);
      return { own, server };
    },
    plan: ({ own, server }) =>
      planWrite(writeHsts(hstsOf(tls, server !== null && !isLocal(server)), own.content), own.stat),
    inverse: () => ({ goal: gone(hstsPath) }),
  };
}

/** Mozilla's two years. */
function hstsOf(tls: TlsSettings, trusted: boolean): string {
  const on = tls.kind !== 'local' && tls.hsts && trusted;
  return render('nginx/hsts.conf', { value: on ? 'max-age=63072000' : '' });
}

/** A certificate of the person's own; its key comes with an apply and is kept nowhere else. */
function ownCertificate({ chain, keyDigest }: OwnTls, key: string | undefined): Resource<FileState> {
  return {
    id: `certificate ${serverPath}`,
    check: (host) => readFileState(host, serverPath),
    plan({ stat, content }) {
      const found = content?.endsWith(chain) ? content.slice(0, -chain.length) : null;
      const same = found !== null && digestOf(found) === keyDigest;
      const wanted = same ? content : (key ?? '') + chain;
      return planWrite(writeOwn(wanted, content), stat);
    },
    inverse: () => ({ goal: gone(serverPath) }),
  };
}

function writeOwn(content: string | null, before: string | null) {
  const note = 'of tls.cert and tls.key';
  return {
    do: 'write',
    path: serverPath,
    content: content ?? '',
    before,
    ...secretFile,
    secret: true,
    note,
  } as const;
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Who issued it, in a word: `Let's Encrypt`. */
export function issuerOf({ certificate }: Loaded): string {
  const parts = Object.fromEntries(certificate.issuer.split('\n').map((line) => line.split(/=(.*)/s)));
  return parts.O ?? parts.CN ?? certificate.issuer;
}
