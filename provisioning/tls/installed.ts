import { type Loaded, load, otherNames } from '../resources/certificate.ts';
import { type FileState, gone, planWrite, readFileState } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import { checksums } from '../resources/service.ts';
import type { AcmeTls, Settings, TlsSettings } from '../settings.ts';
import { render } from '../template.ts';
import { hstsPath, issuedPath, secretFile, serverPath } from './files.ts';
import { type IssueRecord, readRecord } from './record.ts';

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

export function writeServer(content: string, before: string | null, note: string) {
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

/** Who issued it, in a word: `Let's Encrypt`. */
export function issuerOf({ certificate }: Loaded): string {
  const parts = Object.fromEntries(certificate.issuer.split('\n').map((line) => line.split(/=(.*)/s)));
  return parts.O ?? parts.CN ?? certificate.issuer;
}
