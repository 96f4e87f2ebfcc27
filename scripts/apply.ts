import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import type { ApplySummary, Event } from '../provisioning/events.ts';
import type { SealedPlan } from '../provisioning/sealed-plan.ts';
import type { MachineStatus } from '../provisioning/status.ts';
import { certificateText, isSound } from './certificate-text.ts';
import type { Context } from './command.ts';
import { confirmChange } from './confirm.ts';
import { type MachineSide, openMachineSide } from './machine-side.ts';
import { keepPort } from './ports.ts';
import { readSecrets } from './settings.ts';
import { privateAuthorities } from './trust.ts';

export type ConvergeOptions = {
  side?: MachineSide;
  /** For `plan`: what `berth apply --plan` takes comes with the answer. */
  sealed?: boolean;
  /** For `apply`: exactly that, or nothing. */
  plan?: SealedPlan;
};

/** Brings the machine to what its hosts file says, or with `plan` only says what differs. */
export async function converge(
  context: Context,
  verb: 'plan' | 'apply',
  { side, sealed, plan }: ConvergeOptions = {},
): Promise<ApplySummary & { sealed?: SealedPlan }> {
  const machineSide = side ?? (await openMachineSide(context));
  const { code, runtime, web, by } = machineSide;
  const settings = await context.settings();
  const onEvent = (event: Event) => context.report.event(verb, event);
  const secrets = readSecrets(await context.hostFile());
  const input = { settings, secrets, code, runtime, web, by };
  if (verb === 'plan') return machineSide.ask(verb, { ...input, sealed }, onEvent);
  const summary = await machineSide.change<ApplySummary>(verb, { ...input, plan }, onEvent);
  if (summary.guarded) await confirmChange(context, machineSide, summary.guarded);
  keepPort(directoryOf(context), settings.ssh.port);
  return summary;
}

/** What the machine says of itself; the authorities of its certificate are kept beside the machine's other files. */
export async function readStatus(
  context: Context,
  side: MachineSide,
): Promise<MachineStatus & { caPath: string | null }> {
  const settings = await context.settings();
  const status = await side.ask<MachineStatus>('status', { settings });
  const pem = privateAuthorities(settings, status);
  return { ...status, caPath: pem === null ? null : await keepAuthority(context, pem) };
}

/**
 * Says aloud what an apply went on without.
 *
 * @throws BerthError `certificate_not_issued`
 */
export async function requireCertificate(context: Context, side?: MachineSide): Promise<void> {
  const settings = await context.settings();
  if (settings.tls.kind !== 'letsencrypt') return;
  const { certificate } = await readStatus(context, side ?? (await openMachineSide(context)));
  if (isSound(certificate, Date.now())) return;
  throw new BerthError(
    'certificate_not_issued',
    `all else is as it should be, but the certificate: ${certificateText(certificate, Date.now())}`,
    'mend what the authority says, then run: berth certificate renew',
  );
}

function directoryOf({ stateDirectory, flags }: Context): string {
  return join(stateDirectory, 'machines', flags.host);
}

async function keepAuthority(context: Context, pem: string): Promise<string> {
  const directory = directoryOf(context);
  const path = join(directory, 'ca.pem');
  await mkdir(directory, { recursive: true });
  await writeFile(path, pem);
  return path;
}
