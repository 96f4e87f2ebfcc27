import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Change } from '../change.ts';
import type { Host, Stat } from '../host.ts';
import { type FileState, gone, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

/** A file that holds a certificate and its key. */
export type Loaded = { certificate: X509Certificate; pem: string; keyMatches: boolean };
type CertificateState = { stat: Stat | null; found: Loaded | null; authority: Loaded | null; now: number };

const [organization, authorityName] = ['O=Berth', 'CN=Berth authority'];
const renewDays = 30;
const day = 86_400_000;

/**
 * The machine's own certificate authority: key and certificate in one file that only root reads. Its name
 * constraints let it vouch for this machine's names alone, so that trusting it risks nothing else.
 */
export function authority(path: string, names: string[]): Resource<CertificateState> {
  return {
    id: 'certificate authority',
    check: (host) => readState(host, path),
    plan({ stat, found, now }) {
      const reason =
        problem(found, now) ?? (found?.certificate.subject === subjectFor(names) ? null : 'other names');
      return change(path, stat, reason, { kind: 'authority', names, days: 3650 });
    },
    byHand: unlessDue,
    inverse: () => ({ goal: gone(path) }),
  };
}

/**
 * A server certificate of the machine's own authority, renewed 30 days before it ends. `standIn`: until there is
 * another's, which it leaves alone.
 */
export function serverCertificate(
  path: string,
  authorityPath: string,
  names: string[],
  { standIn = false } = {},
): Resource<CertificateState> {
  return {
    id: `certificate ${path}`,
    check: (host) => readState(host, path, authorityPath),
    plan({ stat, found, authority: issuer, now }) {
      const reason =
        standIn && found?.keyMatches && !isLocal(found)
          ? null
          : (problem(found, now) ?? foreign(found, issuer) ?? otherNames(found, names));
      return change(path, stat, reason, { kind: 'server', names, days: 397, authority: authorityPath });
    },
    byHand: unlessDue,
    inverse: () => ({ goal: gone(path) }),
  };
}

/** The authority's certificate alone, for everybody to read. */
export function publishedAuthority(
  path: string,
  authorityPath: string,
): Resource<FileState & { authority: Loaded | null }> {
  return {
    id: `file ${path}`,
    async check(host) {
      const [state, loaded] = await Promise.all([readFileState(host, path), load(host, authorityPath)]);
      return { ...state, authority: loaded };
    },
    plan({ stat, content, authority: loaded }) {
      const write = { do: 'write', path, content: loaded?.pem ?? '', before: content } as const;
      return planWrite({ ...write, mode: 0o644, owner: 'root', group: 'root' }, stat);
    },
    inverse: () => ({ goal: gone(path) }),
  };
}

/** Whether it is of an authority that Berth made on a machine: another one than today's, where the names changed. */
export function isLocal({ certificate }: Loaded): boolean {
  return certificate.issuer.startsWith(`${organization}\n${authorityName}`);
}

/** The subject that an authority for these names has. */
export function subjectFor(names: string[]): string {
  const digest = createHash('sha256')
    .update([...names].sort().join('\n'))
    .digest('hex')
    .slice(0, 8);
  return `${organization}\n${authorityName} ${digest}`;
}

async function readState(host: Host, path: string, authorityPath?: string): Promise<CertificateState> {
  const [stat, found, issuer] = await Promise.all([
    host.stat(path),
    load(host, path),
    authorityPath ? load(host, authorityPath) : null,
  ]);
  return { stat, found, authority: issuer, now: Date.now() };
}

/** null: there is none that can be read. */
export async function load(host: Host, path: string): Promise<Loaded | null> {
  return parse(await host.read(path));
}

export function parse(text: string | null): Loaded | null {
  if (text === null) return null;
  try {
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')));
    const keyMatches = certificate.checkPrivateKey(createPrivateKey(text));
    return { certificate, pem: certificate.toString(), keyMatches };
  } catch {
    return null; // what cannot be read is made anew
  }
}

function problem(found: Loaded | null, now: number): string | null {
  if (!found) return 'there is none';
  if (!found.keyMatches) return 'its key does not match';
  if (Date.parse(found.certificate.validTo) - now < renewDays * day)
    return `${due} ${found.certificate.validTo}`;
  return null;
}

const due = 'it ends';

/** That its time has come is nobody's doing. */
function unlessDue(changes: Change[]): Change[] {
  return changes.filter((change) => change.do !== 'certificate' || !change.reason.startsWith(due));
}

function foreign(found: Loaded | null, issuer: Loaded | null): string | null {
  if (!found || !issuer) return 'there is no authority yet';
  const issued =
    found.certificate.checkIssued(issuer.certificate) &&
    found.certificate.verify(issuer.certificate.publicKey);
  return issued ? null : 'another authority issued it';
}

/** One spelling for each name: an IPv6 address has many. */
function normalized(name: string): string {
  return isIPv6(name) ? new URL(`http://[${name}]`).hostname : name.toLowerCase();
}

/** Why it is not for exactly these names; null: it is. */
export function otherNames(found: Loaded | null, names: string[]): string | null {
  const has = (found?.certificate.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return has.map(normalized).sort().join() === names.map(normalized).sort().join() ? null : 'other names';
}

function change(
  path: string,
  stat: Stat | null,
  reason: string | null,
  request: Extract<Change, { do: 'certificate' }>['request'],
): Change[] {
  if (reason) return [{ do: 'certificate', path, request, reason, action: stat ? 'change' : 'add' }];
  const attributes = { mode: 0o600, owner: 'root', group: 'root' };
  const same = stat?.mode === attributes.mode && stat.owner === 'root' && stat.group === 'root';
  return same ? [] : [{ do: 'attributes', path, ...attributes }];
}
