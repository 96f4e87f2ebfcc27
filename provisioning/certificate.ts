import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateRequest } from './change.ts';
import type { Host } from './host.ts';
import { subjectFor } from './resources/certificate.ts';

const secret = { mode: 0o600, owner: 'root', group: 'root' };

/** Makes a key and a certificate and writes both as one file, 0600: they are replaced together or not at all. */
export async function makeCertificate(host: Host, path: string, request: CertificateRequest): Promise<void> {
  const key = await host.must([
    'openssl',
    'genpkey',
    '-algorithm',
    'EC',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
  ]);
  // openssl takes a key from a file alone; this one is on a tmpfs and gone at once.
  const keyPath = `/run/berth/key.${randomBytes(6).toString('hex')}`;
  await host.write(keyPath, key, secret);
  try {
    const certificate = await host.must([...sign(keyPath, request), ...extensions(request)]);
    await host.write(path, key + certificate, secret);
  } finally {
    await host.remove(keyPath);
  }
}

function sign(keyPath: string, request: CertificateRequest): string[] {
  const common = [
    'openssl',
    'req',
    '-x509',
    '-new',
    '-key',
    keyPath,
    '-sha256',
    '-days',
    String(request.days),
  ];
  if (request.kind === 'authority') {
    return [...common, '-subj', `/${subjectFor(request.names).replaceAll('\n', '/')}`];
  }
  return [
    ...common,
    '-subj',
    '/O=Berth/CN=Berth server',
    '-CA',
    request.authority,
    '-CAkey',
    request.authority,
  ];
}

function extensions(request: CertificateRequest): string[] {
  const values =
    request.kind === 'authority' ? authorityExtensions(request.names) : serverExtensions(request.names);
  return values.flatMap((value) => ['-addext', value]);
}

function serverExtensions(names: string[]): string[] {
  const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`);
  return [
    `subjectAltName=${alternatives}`,
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ];
}

function authorityExtensions(names: string[]): string[] {
  const constraints = names.map((name) => `permitted;${constraint(name)}`);
  // A kind of name without a constraint would not be constrained at all.
  if (!names.some((name) => isIP(name))) constraints.push('excluded;IP:0.0.0.0/0.0.0.0', 'excluded;IP:::/::');
  if (names.every((name) => isIP(name))) constraints.push('permitted;DNS:invalid');
  return [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,keyCertSign,cRLSign',
    // Constraints speak of names alone; this keeps it from vouching for people, clients and code.
    'extendedKeyUsage=serverAuth',
    `nameConstraints=critical,${constraints}`,
  ];
}

function constraint(name: string): string {
  const masks: Record<number, string> = {
    4: '255.255.255.255',
    6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  };
  const mask = masks[isIP(name)];
  return mask ? `IP:${name}/${mask}` : `DNS:${name}`;
}
