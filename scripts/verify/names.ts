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
    named.map(async ({ name, prefix, health }) => {
      const own = await ask(target, { path: health, host: named[0]?.domains[0] ?? stranger });
      const { status, headers } = await ask(target, {
        path: prefix === '/' ? health : prefix,
        host: stranger,
      });
      const led = headers['x-release'] !== undefined && headers['x-release'] === own.headers['x-release'];
      return status < 400 && led ? [`${name} answers ${status} as ${stranger}`] : [];
    }),
  );
  return [judge(rule, wrong.flat(), `${stranger} tried`)];
}
