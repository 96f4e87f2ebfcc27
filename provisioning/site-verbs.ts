import { applySite, planSite } from './converge.ts';
import { apply as applyGoals, type Run } from './engine.ts';
import { readKeptSettings } from './kept-settings.ts';
import * as removal from './removal.ts';
import { runFor, type SiteRequest } from './run-for.ts';
import type { SealedPlan } from './sealed-plan.ts';
import { installed } from './tls/installed.ts';
import { askAgain } from './tls/renew.ts';
import type { VerbContext } from './verbs.ts';

export function plan(input: SiteRequest & { sealed?: boolean }, context: VerbContext) {
  return planSite(input, runFor(input, context));
}

export function apply(input: SiteRequest & { plan?: SealedPlan }, context: VerbContext) {
  return applySite(input, runFor(input, context));
}

export async function remove(input: removal.RemovalInput, context: VerbContext) {
  return removal.remove(input, await removalRunFor(input, context));
}

export async function forget(input: removal.RemovalInput, context: VerbContext) {
  return removal.forget(input, await removalRunFor(input, context));
}

/** Whoever confirms a removal, and within what time, is as the machine was applied too. */
async function removalRunFor(input: SiteRequest, context: VerbContext): Promise<Run> {
  const { settings } = await removal.removedSettings(context.host, input);
  return runFor({ ...input, settings }, context);
}

/** Has nginx serve with the certificate that was issued. */
export async function installCertificate(_input: unknown, context: VerbContext): Promise<void> {
  const settings = await readKeptSettings(context.host);
  if (settings.tls.kind !== 'letsencrypt') return;
  const request = { settings, code: '', runtime: '', web: '', by: 'timer' };
  await applyGoals(runFor(request, context), [installed(settings.tls)]);
}

export async function certificate(_input: unknown, context: VerbContext): Promise<void> {
  await askAgain(context.host);
  await installCertificate(null, context);
}
