import { createPrivateKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../../provisioning/errors.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates of authorities in a PEM file of this computer, as one text. `path` is relative to `directory`;
 * `~/` is the person's home. Throws RangeError with the reason.
 */
export function readCertificates(path: string, directory: string): string {
  const text = read(localPath(path, directory));
  if (/PRIVATE KEY/.test(text)) throw new RangeError('holds a private key; give the certificates alone');
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0)
    throw new RangeError('holds no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  for (const pem of certificates) requireAuthority(pem);
  return certificates.map((pem) => `${pem}\n`).join('');
}

/** A server's certificate and those that lead to its authority, as one PEM text. As `readCertificates`. */
export function readChain(path: string, directory: string): string {
  const certificates = read(localPath(path, directory)).match(CERTIFICATE) ?? [];
  const [first] = certificates;
  if (first === undefined) throw new RangeError('holds no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  if (decode(first).ca)
    throw new RangeError("begins with an authority's certificate; the server's own comes first");
  for (const pem of certificates.slice(1)) decode(pem);
  return certificates.map((pem) => `${pem}\n`).join('');
}

/** The names in full, no wildcards, that the first certificate of a PEM text is for. */
export function namesIn(pem: string): string[] {
  const alternatives = new X509Certificate(pem).subjectAltName?.split(', ') ?? [];
  const names = alternatives.flatMap((text) => /^(?:DNS|IP Address):([^*]+)$/.exec(text)?.[1] ?? []);
  return names.map((name) => name.toLowerCase());
}

/** A private key's PEM (PKCS #8). Throws RangeError with the reason, which says nothing of its content. */
export function readPrivateKey(path: string): string {
  const text = read(path);
  try {
    return String(createPrivateKey(text).export({ type: 'pkcs8', format: 'pem' }));
  } catch {
    throw new RangeError('holds no private key in PEM that can be read without a passphrase');
  }
}

/** The absolute path of an ssh identity (a private key's file, which only ssh reads). Throws RangeError. */
export function identityFile(path: string, directory: string): string {
  const absolute = localPath(path, directory);
  try {
    accessSync(absolute, constants.R_OK);
  } catch (error) {
    throw new RangeError(`cannot be read: ${messageOf(error)}`);
  }
  return absolute;
}

/** The absolute path of a file of this computer. */
export function localPath(path: string, directory: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(directory, path);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RangeError(`cannot be read: ${messageOf(error)}`);
  }
}

function requireAuthority(pem: string): void {
  const certificate = decode(pem);
  const name = certificate.subject.replaceAll('\n', ', ');
  if (!certificate.ca) throw new RangeError(`holds a certificate that is no authority's: ${name}`);
  if (certificate.validToDate < new Date())
    throw new RangeError(`holds a certificate that expired on ${certificate.validTo}: ${name}`);
}

function decode(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new RangeError('holds a certificate that cannot be decoded; copy the file again');
  }
}
