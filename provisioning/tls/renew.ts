import type { Run } from '../engine.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { localRun } from '../local-run.ts';
import { holder } from '../runs.ts';
import type { AcmeTls, Settings } from '../settings.ts';
import { installed } from './certificates.ts';
import { dueFor, issue, readIssueState, waitsUntil } from './issue.ts';
import { type IssueRecord, isAbout, readRecord, writeRecord } from './record.ts';

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
 * Asks for a certificate now, due or not, and says how it went; a person's own try is not held back by earlier failures.
 *
 * @throws BerthError `certificate_not_issued`
 */
export async function askAgain(settings: Settings, host: Host): Promise<AcmeTls> {
  const { tls } = settings;
  if (tls.kind !== 'letsencrypt') {
    throw new BerthError(
      'wrong_usage',
      `tls.kind is ${tls.kind}: there is nothing to be asked for`,
      'tls: letsencrypt in the hosts file, then berth apply',
    );
  }
  const record = await readRecord(host);
  if (!isAbout(record, tls)) {
    throw new BerthError(
      'not_applied',
      'the machine was not applied with these names yet',
      'run: berth apply',
    );
  }
  await writeRecord(host, { ...record, asked: true });
  await host.run(['systemctl', 'start', 'berth-certificate.service']);
  const { failure } = (await readRecord(host)) as IssueRecord;
  if (failure) throw notIssued(tls, failure);
  return tls;
}

async function installByRun(host: Host, tls: AcmeTls, emit: (event: Event) => void): Promise<void> {
  const resource = installed(tls);
  if (resource.plan(await resource.check(host)).length === 0) return;
  const { argv, request, id } = localRun({ verb: 'installCertificate', input: null, by: 'timer' });
  const { code, stderr } = await host.run(argv, { input: request });
  if (code === 0) return;
  host.forget();
  const held = await holder(undefined, { host });
  if (held === null || held.id === id) {
    throw new BerthError(
      'command_failed',
      `nginx did not take the new certificate: ${stderr}`,
      'berth apply',
    );
  }
  emit({
    type: 'progress',
    text: `the ${held.verb} of ${held.by} holds the machine: nginx gets it the next time`,
  });
}

function notIssued(tls: AcmeTls, { reason, next }: NonNullable<IssueRecord['failure']>): BerthError {
  return new BerthError(
    'certificate_not_issued',
    `there is no new certificate for ${tls.names.join(', ')}: ${reason}\nThe machine serves with the one that it has, and asks again at ${next}.`,
    'mend what the authority says, then run: berth certificate renew',
  );
}
