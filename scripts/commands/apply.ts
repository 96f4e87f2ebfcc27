import { converge, requireCertificate } from '../apply.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost, severalHosts } from '../fleet.ts';
import { readPlan } from '../plan-file.ts';

export const command: Command = {
  options: [['--plan <file>', 'do exactly what berth plan --out wrote down, or nothing']],
  examples: [
    ['berth apply', 'bring the machine to what its hosts file says'],
    ['berth apply --verbose', 'the same, showing every change with its diff'],
    ['berth apply --plan plan.json', 'exactly what berth plan --out plan.json has shown'],
    ['berth apply -H a,b', 'both machines side by side; one that fails does not stop the other'],
    ['berth apply --all', 'every machine of provisioning/hosts'],
  ],
  run(context, { options: { plan: path } }) {
    if (path !== undefined && context.hosts.length > 1) throw severalHosts(context.hosts);
    return onEachHost(context, context.hosts, async (each) => {
      const plan = typeof path === 'string' ? { plan: await readPlan(each, path) } : {};
      each.report.summary('apply', await converge(each, 'apply', plan));
      await requireCertificate(each);
      return EXIT.done;
    });
  },
};
