import { confirmedApplied, markApplied, markBegun, markToConfirm, markUnfinished } from './applied.ts';
import { apply, type Planned, plan, type Run } from './engine.ts';
import type { ApplySummary, Event } from './events.ts';
import { confirm } from './guard/confirm.ts';
import { settleEarlier } from './guard/earlier.ts';
import type { Host } from './host.ts';
import { planKey } from './plan-key.ts';
import { preflight } from './preflight.ts';
import {
  type PlanInput,
  requireSameChanges,
  requireSamePlan,
  type SealedPlan,
  sealPlan,
} from './sealed-plan.ts';
import { siteFor } from './site-for.ts';

/** Says what `applySite` would do; `sealed`: with what `berth apply --plan` takes. */
export async function planSite(
  input: PlanInput & { sealed?: boolean },
  run: Run,
): Promise<ApplySummary & { sealed?: SealedPlan }> {
  const { host } = run;
  if (input.sealed) await planKey(host);
  let sealed: SealedPlan | undefined;
  const review = async (planned: Planned[]) => {
    if (input.sealed) sealed = await sealPlan(host, input, planned);
  };
  const summary = await plan({ ...run, review }, await siteFor(host, input));
  return { ...summary, ...(sealed && { sealed }) };
}

/**
 * Brings the machine to what the settings say; `plan`: by exactly that plan, or not at all.
 *
 * @throws BerthError `plan_stale`, `plan_invalid`, and what `preflight` and the engine throw
 */
export async function applySite(input: PlanInput & { plan?: SealedPlan }, run: Run): Promise<ApplySummary> {
  const { host, emit } = run;
  const { plan: sealed, settings, by } = input;
  if (sealed) await requireSamePlan(host, sealed, input);
  await preflight(host, settings);
  // Directories of the engine's own, which every change may rely on.
  const own = ['/run/berth', '/var/cache/berth'];
  const there = await Promise.all(own.map((path) => host.stat(path)));
  if (there.includes(null)) await host.must(['mkdir', '-p', '-m', '0755', ...own]);
  await settleEarlier(host, by, run);
  const review = async (planned: Planned[]) => {
    if (sealed) await requireSameChanges(host, sealed, planned);
    if (planned.length === 0) return;
    await markBegun(host, Object.keys(settings.apps));
    await markUnfinished(host, 'apply', by);
  };
  const besides: string[] = [];
  const told = (event: Event) => {
    if (event.type === 'applied' && sealed?.resources.every(({ id }) => id !== event.resource))
      besides.push(event.resource);
    emit(event);
  };
  const summary = await apply({ ...run, emit: told, review }, await siteFor(host, input));
  await (summary.guarded ? markToConfirm : markApplied)(host, input);
  if (besides.length > 0) emit({ type: 'notice', text: `followed from the plan: ${besides.join(', ')}` });
  return summary;
}

/** Lets the risky changes of an apply stay, which has then ended well. */
export async function confirmApply(input: { id: string }, { host }: { host: Host }): Promise<void> {
  await confirm(input, { host });
  await confirmedApplied(host);
}
