import { judge } from '../../provisioning/verify/finding.ts';
import { ask, hostOf } from './exchange.ts';
import type { OutsideCheck, Target } from './target.ts';

const path = '/berth-verify?a=b';

/** Whoever comes by plain HTTP is sent to HTTPS, and gets nothing else. */
export const redirect: OutsideCheck = { id: 'redirect', run };

async function run(target: Target) {
  const { publicHttpsPort } = target.settings.nginx;
  const port = publicHttpsPort === 443 ? '' : `:${publicHttpsPort}`;
  const wanted = `https://${hostOf(target)}${port}${path}`;
  const methods = ['GET', 'POST'];
  const wrong = await Promise.all(
    methods.map(async (method) => {
      const { status, headers } = await ask(target, { method, path, scheme: 'http' });
      return [301, 308].includes(status) && headers.location === wanted
        ? []
        : [`${method} by HTTP: ${status} ${headers.location ?? 'without a location'}`];
    }),
  );
  return [
    judge(
      {
        id: 'redirect.https',
        title: 'plain HTTP leads to HTTPS and nowhere else',
        fix: 'berth apply',
        reference: 'Mozilla Web Security, HTTP redirections',
      },
      wrong.flat(),
      wanted,
    ),
  ];
}
