import { judge, skip } from '../../provisioning/verify/finding.ts';
import { ask } from './exchange.ts';
import type { OutsideCheck, Target } from './target.ts';

const stranger = 'berth-verify.invalid';
const rule = {
  id: 'names.unknown',
  title: 'a name that is not ours leads to no application with a domain of its own',
  fix: 'berth apply',
  reference: 'OWASP WSTG-INPV-17',
};

/** What answers to a Host and a TLS name that nobody gave this machine. */
export const names: OutsideCheck = { id: 'names', run };

async function run(target: Target) {
  const named = Object.values(target.settings.apps).filter(({ domains }) => domains.length > 0);
  if (named.length === 0) return [skip(rule, 'no application has domains: every name leads to them')];
  const wrong = await Promise.all(
    named.map(async ({ name, health, domains: [domain = stranger] }) => {
      const [own, led] = await Promise.all(
        [domain, stranger].map((host) => ask(target, { path: health, host })),
      );
      const release = led?.headers['x-release'];
      const same = release !== undefined && release === own?.headers['x-release'];
      return same ? [`${name} answers ${led?.status} as ${stranger}`] : [];
    }),
  );
  return [judge(rule, wrong.flat(), `${stranger} tried`)];
}
