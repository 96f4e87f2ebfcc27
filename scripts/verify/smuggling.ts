import { isIP } from 'node:net';
import { judge } from '../../provisioning/verify/finding.ts';
import { exchange, hostOf } from './exchange.ts';
import { sitesOf } from './sites.ts';
import type { OutsideCheck, Target } from './target.ts';

const inner = 'GET /berth-verify-smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n';
const chunked = `0\r\n\r\n${inner}`;

/** Requests whose end two servers may see in two places (RFC 9112 section 6.3): each must be answered once, by 4xx or 501. */
const ambiguous: [what: string, headers: string[], body: string][] = [
  ['both lengths', [`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked'], chunked],
  ['two lengths', ['Content-Length: 0', `Content-Length: ${inner.length}`], inner],
  ['a length with a sign', ['Content-Length: +0'], inner],
  ['a length as a list', [`Content-Length: 0, ${inner.length}`], inner],
  ['another encoding', ['Transfer-Encoding: xchunked'], chunked],
  ['two encodings', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], chunked],
  ['a space before the colon', ['Transfer-Encoding : chunked'], chunked],
  ['a folded header', ['X-Folded: a', ' Transfer-Encoding: chunked'], chunked],
];

/** Whether nginx refuses what it and the application could read in two ways. */
export const smuggling: OutsideCheck = { id: 'smuggling', run };

async function run(target: Target) {
  // One that is passed on to an application, where there are two readers.
  const [own, site = own] = sitesOf(target);
  const { path = '/', host = hostOf(target) } = site ?? {};
  const wrong = await Promise.all(
    ambiguous.map(async ([what, headers, body]) => {
      const head = [`POST ${path} HTTP/1.1`, `Host: ${host}`, ...headers].join('\r\n');
      // Long enough for a second answer to follow a first.
      const { status, count } = await exchange(target, {
        servername: isIP(host) ? undefined : host,
        bytes: `${head}\r\n\r\n${body}`,
        timeoutMs: 1500,
      });
      const refused = (status >= 400 && status < 500) || status === 501;
      return refused && count === 1 ? [] : [`${what}: ${count} answers, the first ${status}`];
    }),
  );
  return [
    judge(
      {
        id: 'smuggling.refused',
        title: 'a request of two readings is refused, and nothing after it is read',
        fix: 'a newer nginx (berth apply, apt-get upgrade); no other proxy before it',
        reference: 'RFC 9112 11.2; OWASP WSTG-INPV-15',
      },
      wrong.flat(),
      `${ambiguous.length} tried`,
    ),
  ];
}
