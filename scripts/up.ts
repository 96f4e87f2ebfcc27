import { readFile } from 'node:fs/promises';
import type { AppSettings } from '../provisioning/settings.ts';
import { converge, requireCertificate } from './apply.ts';
import type { Context } from './command.ts';
import { appSources, deploy } from './deploy.ts';
import { openMachineSide } from './machine-side.ts';
import { prove } from './prove.ts';
import type { Report } from './report.ts';
import { chooseSource } from './source.ts';
import { describe, type Status } from './status.ts';
import { trusted } from './trust.ts';

/** From nothing, or from wherever an earlier run stopped, to proven applications: machine, apply, deploy, proof. */
export async function bringUp(context: Context, { dirty }: { dirty: boolean }): Promise<Status> {
  const { report } = context;
  const source = await chooseSource(context.root, { dirty, ref: undefined });
  await appSources(context, source);
  const machine = await context.machine();
  if (machine.kind === 'container') await installMissing(report);
  await machine.create(report);
  const side = await openMachineSide(context);
  const summary = await report.step('applies the settings', () => converge(context, 'apply', { side }));
  report.summary('apply', summary);
  await deploy(context, side, source);
  const status = await describe(context, side);
  const settings = await context.settings();
  const own = status.ca === null ? null : await readFile(status.ca, 'utf8');
  const [address] = (await context.reach()).names;
  const endpoint = { url: status.url, address, ca: trusted(settings, own) };
  for (const name of await context.apps()) {
    await report.step(`proves ${name} through nginx and TLS`, () =>
      prove(endpoint, settings.apps[name] as AppSettings),
    );
  }
  await requireCertificate(context, side);
  return status;
}

/** What container machines need on this computer, said before it is installed. */
async function installMissing(report: Report): Promise<void> {
  const { installPackages, requiredPackages } = await import('./machines/container.ts');
  const missing = requiredPackages();
  if (missing.length === 0) return;
  report.note(`this computer lacks ${missing.join(', ')}: installing with apt-get`);
  await installPackages(missing, process.getuid?.() === 0 ? [] : ['sudo', '-n'], report);
}
