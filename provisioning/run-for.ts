import { appOf } from './app-of.ts';
import type { Change } from './change.ts';
import type { Run } from './engine.ts';
import { createGuard } from './guard/arm.ts';
import { perform } from './perform.ts';
import { startHealthy } from './releases/gate.ts';
import { renew } from './releases/renew.ts';
import type { Settings } from './settings.ts';
import type { VerbContext } from './verbs.ts';

export type SiteRequest = { settings: Settings; code: string; runtime: string; web: string; by: string };

/** All that the engine works with, for one request. */
export function runFor(input: SiteRequest, context: VerbContext): Run {
  const { host, emit } = context;
  const say = (text: string) => emit({ type: 'progress', text });
  const performer = {
    host,
    progress: say,
    release: (name: string, reason: string) => renewApp(input, name, reason, context),
    start: (name: string, number: number) =>
      startHealthy(host, appOf(input.settings, name), number, { say, stop: context.stop }),
  };
  const { admin, confirmWithinMs: withinMs } = input.settings;
  const guard = createGuard(host, { by: input.by, user: admin.user, withinMs });
  return { ...context, guard, perform: (change: Change) => perform(performer, change) };
}

export async function restart(
  input: SiteRequest & { app: string },
  context: VerbContext,
): Promise<{ release: number }> {
  const { number } = await renewApp(input, input.app, 'restart', context);
  return { release: number };
}

function renewApp(input: SiteRequest, name: string, reason: string, { host, emit, stop }: VerbContext) {
  const { settings, runtime, by } = input;
  const say = (text: string) => emit({ type: 'progress', text });
  return renew(host, { settings, app: appOf(input.settings, name), runtime, by, reason }, { say, stop });
}
