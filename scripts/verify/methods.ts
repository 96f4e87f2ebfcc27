import { judge } from '../../provisioning/verify/finding.ts';
import { ask } from './exchange.ts';
import type { OutsideCheck, Target } from './target.ts';

const refused = [400, 401, 403, 404, 405, 421, 501];
const unwanted = ['TRACE', 'TRACK', 'CONNECT', 'DEBUG', 'PROPFIND', 'BERTH'];

/** Methods that nobody needs: TRACE would show headers that scripts must not see. */
export const methods: OutsideCheck = { id: 'methods', run };

async function run(target: Target) {
  const [app] = Object.values(target.settings.apps);
  const paths = [...new Set(['/', app?.prefix ?? '/'])];
  const tried = paths.flatMap((path) => unwanted.map((method) => [method, path] as const));
  const answers = await Promise.all(
    tried.map(async ([method, path]) => {
      const marker = 'berth-verify-echo';
      const { status, body } = await ask(target, { method, path, headers: [`X-Berth: ${marker}`] });
      const said = `${method} ${path}: ${status}${body.includes(marker) ? ', and it echoes headers' : ''}`;
      // 502 and 503: the application is not there to refuse it.
      const fine = [...refused, 502, 503].includes(status) && !body.includes(marker);
      return { fine, said };
    }),
  );
  return [
    judge(
      {
        id: 'methods.refused',
        title: 'TRACE, CONNECT and unknown methods are refused',
        fix: 'berth apply; an application of yours must answer 405 for a method that it does not know',
        reference: 'OWASP WSTG-CONF-06',
      },
      answers.filter(({ fine }) => !fine).map(({ said }) => said),
      unwanted.join(', '),
    ),
  ];
}
