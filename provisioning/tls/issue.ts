import type { Host } from '../host.ts';
import { proxyEnvironment } from '../proxy.ts';
import { type Loaded, load, otherNames, parse } from '../resources/certificate.ts';
import type { AcmeTls, Settings } from '../settings.ts';
import { certbot, issuedFiles, type Refusal, refusalIn } from './certbot.ts';
import { acme, directoryCaPath, issuedPath, secretFile } from './files.ts';
import { failureAfter, type IssueRecord, isAbout, readRecord, writeRecord } from './record.ts';

export type IssueState = { record: IssueRecord | null; issued: Loaded | null; now: number };

export async function readIssueState(host: Host): Promise<IssueState> {
  const [record, issued] = await Promise.all([readRecord(host), load(host, issuedPath)]);
  return { record, issued, now: Date.now() };
}

/** Why a certificate is to be issued; null: the one that there is will do. */
export function dueFor(tls: AcmeTls, { record, issued, now }: IssueState): string | null {
  if (!issued?.keyMatches || !record) return 'none was issued yet';
  if (record.issuedFrom !== tls.directory) return 'it is of another authority';
  if (record.asked) return 'somebody asks for it';
  if (isAbout(record, tls) && record.failure) return 'the last try failed';
  return otherNames(issued, tls.names) ?? ending(issued, now);
}

/** When a failure is not to be repeated yet; null: it may be tried now. */
export function waitsUntil(tls: AcmeTls, { record, now }: IssueState): string | null {
  if (!isAbout(record, tls) || record.asked || !record.failure) return null;
  return Date.parse(record.failure.next) > now ? record.failure.next : null;
}

const day = 86_400_000;

/** With a third of its life left, as Let's Encrypt advises; with half where that is shorter than ten days. */
function ending({ certificate: { validFrom, validTo } }: Loaded, now: number): string | null {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const share = to - from < 10 * day ? 2 : 3;
  return to - now < (to - from) / share ? `it ends ${validTo}` : null;
}

const unfinished = { reason: 'the last try did not come to its end', retryAfter: null };

/**
 * Asks the authority, first on trial where this may go wrong: trials use up none of its limits. Writes down how it
 * went, and what was issued; what nginx serves is left as it is.
 */
export async function issue(host: Host, settings: Settings, tls: AcmeTls): Promise<IssueRecord> {
  const { record, issued } = await readIssueState(host);
  const before = isAbout(record, tls) ? record.failure : null;
  const renewal = isAbout(record, tls) && record.issuedFrom === tls.directory && issued && !before;
  const { names, directory } = tls;
  const kept = { names, directory, issuedFrom: record?.issuedFrom ?? null };
  // Whatever ends this half way must not ask again and again for what was issued already.
  await writeRecord(host, { ...kept, failure: failureAfter(before, unfinished, Date.now()) });
  const refused = await ask(host, settings, tls, { trialFirst: !renewal });
  const next: IssueRecord = refused
    ? { ...kept, failure: failureAfter(before, refused, Date.now()) }
    : { ...kept, issuedFrom: directory, failure: null };
  await writeRecord(host, next);
  return next;
}

/** null: what was issued is at `issuedPath`. */
async function ask(
  host: Host,
  settings: Settings,
  tls: AcmeTls,
  { trialFirst }: { trialFirst: boolean },
): Promise<Refusal | null> {
  const trusted = tls.ca === null ? '/etc/ssl/certs/ca-certificates.crt' : directoryCaPath;
  const env = { ...proxyEnvironment(settings.proxy), REQUESTS_CA_BUNDLE: trusted };
  const trials = trialFirst && tls.staging !== null ? [{ server: tls.staging, trial: true }] : [];
  for (const attempt of [...trials, { server: tls.directory, trial: false }]) {
    const argv = certbot(tls, attempt);
    const { code, stdout, stderr } = await host.run(argv, { user: acme.user, env, timeoutMs: 600_000 });
    if (code === 0) continue;
    const refusal = refusalIn(`${stdout}\n${stderr}`, Date.now());
    return { ...refusal, reason: `${new URL(attempt.server).host}: ${refusal.reason}` };
  }
  return take(host, tls);
}

/** As the user who owns them, so that a symlink there leads to nothing that this user cannot read. */
async function take(host: Host, tls: AcmeTls): Promise<Refusal | null> {
  const reading = { user: acme.user, timeoutMs: 10_000 };
  const { code, stdout: pem, stderr } = await host.run(['cat', '--', ...issuedFiles], reading);
  const found = code === 0 ? parse(pem) : null;
  const wrong = found?.keyMatches ? otherNames(found, tls.names) : stderr.trim() || 'its key does not match';
  if (wrong) return { reason: `what was issued cannot serve: ${wrong}`, retryAfter: null };
  await host.write(issuedPath, pem, secretFile);
  return null;
}
