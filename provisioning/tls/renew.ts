import type { Run } from '../engine.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { localRun } from '../local-run.ts';
import { logOf } from '../runs.ts';
import type { AcmeTls } from '../settings.ts';
import { installed } from './installed.ts';
import { dueFor, issue, readIssueState, waitsUntil } from './issue.ts';
import { type IssueFailure, isAbout, readRecord, writeRecord } from './record.ts';

type Context = Pick<Run, 'host' | 'emit'>;

/**
 * The timer's: asks for a certificate once it is time, and has nginx serve with it, in a run of its own, so that this
 * never falls into a deploy; while another run holds the machine, the next call does that part.
 *
 * @throws BerthError `certificate_not_issued` when the authority refused
 */
export async function renewCertificate(_input: unknown, { host, emit }: Context): Promise<void> {
  const settings = await readKeptSettings(host);
  const { tls } = settings;
  if (tls.kind !== 'letsencrypt') return;
  const state = await readIssueState(host);
  const reason = dueFor(tls, state);
  const waiting = reason === null ? null : waitsUntil(tls, state);
  if (reason !== null && waiting === null) {
    emit({ type: 'progress', text: `asks ${tls.directory} for a certificate: ${reason}` });
    const { failure } = await issue(host, settings, tls);
    if (failure) throw notIssued(tls, failure);
  }
  await installByRun(host, tls, emit);
}

/**
 * Asks for a certificate now, due or not; a person's own try is not held back by earlier failures.
 *
 * @throws BerthError `certificate_not_issued`, `not_applied`
 */
export async function askAgain(host: Host): Promise<void> {
  const { tls } = await readKeptSettings(host);
  if (tls.kind !== 'letsencrypt') {
    throw new BerthError(
      'wrong_usage',
      `the machine was applied with tls.kind ${tls.kind}: there is nothing to be asked for`,
      'tls: letsencrypt in the hosts file, then berth apply',
    );
  }
  const { names, directory } = tls;
  const record = await readRecord(host);
  const failure = isAbout(record, tls) ? record.failure : null;
  const issuedFrom = record?.issuedFrom ?? null;
  await writeRecord(host, { names, directory, issuedFrom, failure, asked: true });
  const { stderr } = await host.run(['systemctl', 'start', 'berth-certificate.service']);
  const after = await readRecord(host);
  if (after?.failure) throw notIssued(tls, after.failure);
  if (after?.asked !== true) return;
  throw new BerthError(
    'command_failed',
    `berth-certificate.service did not ask: ${stderr.trim()}`,
    'see why on the machine: journalctl -u berth-certificate.service',
  );
}

async function installByRun(host: Host, tls: AcmeTls, emit: (event: Event) => void): Promise<void> {
  const resource = installed(tls);
  if (resource.plan(await resource.check(host)).length === 0) return;
  const { argv, request, id } = localRun({ verb: 'installCertificate', input: null, by: 'timer' });
  const { code, stdout, stderr } = await host.run(argv, { input: request });
  if (code === 0) return;
  if (await host.stat(logOf(id))) {
    throw new BerthError(
      'command_failed',
      `nginx has not the new certificate: ${stdout}${stderr}`,
      'berth apply',
    );
  }
  // It never began: another one held the machine.
  emit({ type: 'progress', text: 'another run holds the machine: nginx gets the certificate the next time' });
}

function notIssued(tls: AcmeTls, { reason, next }: IssueFailure): BerthError {
  return new BerthError(
    'certificate_not_issued',
    `there is no new certificate for ${tls.names.join(', ')}: ${reason}\nnginx goes on with what it has, and the machine asks again after ${next}.`,
    'mend what the authority says, then run: berth certificate renew',
  );
}
