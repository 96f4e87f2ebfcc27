import { judge } from '../../provisioning/verify/finding.ts';
import { ask } from './exchange.ts';
import { sitesOf } from './sites.ts';
import type { OutsideCheck, Target } from './target.ts';

/** 0: closed without an answer. */
const refused = [0, 400, 401, 403, 404, 405, 421, 501];
const unwanted = ['TRACE', 'TRACK', 'CONNECT', 'DEBUG', 'PROPFIND', 'BERTH'];

/** Methods that nobody needs: TRACE would show headers that scripts must not see. */
export const methods: OutsideCheck = { id: 'methods', run };

async function run(target: Target) {
  const tried = sitesOf(target).flatMap((site) => unwanted.map((method) => [method, site] as const));
  const answers = await Promise.all(
    tried.map(async ([method, site]) => {
      const marker = 'berth-verify-echo';
      const { status, body } = await ask(target, { ...site, method, headers: [`X-Berth: ${marker}`] });
      const said = `${method} to ${site.what}: ${status}${body.includes(marker) ? ', and it echoes headers' : ''}`;
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
