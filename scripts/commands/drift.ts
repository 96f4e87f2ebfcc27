import type { Drift } from '../../provisioning/drift.ts';
import type { Event } from '../../provisioning/events.ts';
import type { Command, Context } from '../command.ts';
import { countText } from '../drift-text.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost } from '../fleet.ts';
import { openMachineSide } from '../machine-side.ts';
import { instant } from '../table.ts';

export const command: Command = {
  examples: [
    ['berth drift', 'what was changed by hand since the last apply, with diffs; exit 2 if anything'],
    ['berth drift --all', 'of every machine'],
    ['berth plan', 'beside that also what your hosts file and this checkout would change'],
  ],
  run: (context) => onEachHost(context, context.hosts, show),
};

async function show(context: Context): Promise<number> {
  const { report } = context;
  const side = await openMachineSide(context);
  const onEvent = (event: Event) => report.event('plan', event);
  const found = await side.ask<Drift>('drift', { waitMs: 0 }, onEvent);
  const { since, resources } = found;
  report.data({ type: 'drift', ...found });
  const what =
    resources.length === 0
      ? 'nothing was'
      : `${countText(resources.length)} ${resources.length === 1 ? 'was' : 'were'}`;
  report.print(`${what} changed by hand since the apply of ${instant(since)}\n`);
  return resources.length === 0 ? EXIT.done : EXIT.differs;
}
