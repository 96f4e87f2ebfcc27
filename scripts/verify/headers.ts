import { judge } from '../../provisioning/verify/finding.ts';
import { type Answer, ask, exchange, hostOf } from './exchange.ts';
import { sitesOf } from './sites.ts';
import type { OutsideCheck, Target } from './target.ts';

const fix = 'berth apply; an application that sets a header itself can take it away';
const rules = {
  security: {
    id: 'headers.security',
    title: 'answers and errors have the security headers',
    fix,
    reference: 'Mozilla Web Security',
  },
  hsts: {
    id: 'headers.hsts',
    title:
      'no HSTS with a private authority: browsers would keep to a name that the next machine cannot prove',
    fix: 'take Strict-Transport-Security away from nginx and from the application',
    reference: 'RFC 6797 11.3',
  },
  wanted: {
    id: 'headers.hsts',
    title: 'answers have HSTS, for half a year at least',
    fix: 'berth apply; berth certificate says whether a stand-in serves',
    reference: 'RFC 6797',
  },
  versions: {
    id: 'headers.versions',
    title: 'no answer says which versions run',
    fix,
    reference: 'dev-sec nginx-baseline; OWASP WSTG-INFO-02',
  },
};

const required: [name: string, value: RegExp][] = [
  ['x-content-type-options', /^nosniff$/],
  ['x-frame-options', /^(DENY|SAMEORIGIN)$/],
  ['referrer-policy', /^(no-referrer|same-origin|strict-origin)/],
  ['permissions-policy', /./],
];

const plainHttp = 'plain HTTP';
/** Half a year, what testssl.sh and Mozilla's Observatory want at least. */
const leastSeconds = 15_768_000;

type Named = [what: string, answer: Answer];

/** Headers of answers and of errors, those that nginx makes before it knows a server's settings too. */
export const headers: OutsideCheck = { id: 'headers', run };

async function run(target: Target) {
  const answers = await answersOf(target);
  const { tls } = target.settings;
  const encrypted = answers.filter(([what]) => what !== plainHttp);
  const seen = answers.map(([what, { status }]) => `${what} ${status}`).join(', ');
  const faults = (find: (answer: Answer) => string[]) =>
    answers.flatMap(([what, answer]) => find(answer).map((fault) => `${what} (${answer.status}): ${fault}`));
  return [
    judge(rules.security, faults(missing), seen),
    tls.kind === 'local' || !tls.hsts
      ? judge(rules.hsts, faults(pinned), seen)
      : judge(rules.wanted, encrypted.flatMap(unpinned), seen),
    judge(rules.versions, faults(leaks), seen),
  ];
}

async function answersOf(target: Target): Promise<Named[]> {
  const host = hostOf(target);
  const applications = sitesOf(target).slice(1);
  const twice = `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: other\r\nConnection: close\r\n\r\n`;
  const requests: [what: string, answer: Promise<Answer>][] = [
    ['/', ask(target, { path: '/' })],
    ...applications.map((site): [string, Promise<Answer>] => [site.what, ask(target, site)]),
    ['an unknown path', ask(target, { path: '/berth-verify/none' })],
    ['TRACE', ask(target, { method: 'TRACE', path: '/' })],
    ['two hosts', exchange(target, { bytes: twice })],
    ['a long address', ask(target, { path: `/${'a'.repeat(70_000)}` })],
    [plainHttp, ask(target, { path: '/', scheme: 'http' })],
  ];
  return Promise.all(requests.map(async ([what, answer]) => [what, await answer] as Named));
}

function missing(answer: Answer): string[] {
  return required.flatMap(([name, value]) =>
    value.test(answer.headers[name] ?? '') ? [] : [`${name} ${answer.headers[name] ?? 'is missing'}`],
  );
}

function unpinned([what, { headers: its, status }]: Named): string[] {
  const seconds = Number(/max-age=(\d+)/.exec(its['strict-transport-security'] ?? '')?.[1] ?? 0);
  return seconds >= leastSeconds
    ? []
    : [`${what} (${status}): ${its['strict-transport-security'] ?? 'is missing'}`];
}

function pinned({ headers: its }: Answer): string[] {
  const value = its['strict-transport-security'];
  return value === undefined ? [] : [value];
}

function leaks({ headers: its, body }: Answer): string[] {
  const { server = '' } = its;
  const others = ['x-powered-by', 'via', 'x-aspnet-version'].filter((name) => name in its);
  const [inBody] = /(nginx|openssl|node|koa|express)\/v?\d[\w.]*/i.exec(body) ?? [];
  return [
    ...(/\d/.test(server) ? [`server: ${server}`] : []),
    ...others.map((name) => `${name}: ${its[name]}`),
    ...(inBody === undefined ? [] : [`the body says ${inBody}`]),
  ];
}
