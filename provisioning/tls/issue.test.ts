import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import type { Loaded } from '../resources/certificate.ts';
import type { AcmeTls } from '../settings.ts';
import { dueFor, type IssueState, waitsUntil } from './issue.ts';
import { failureAfter, type IssueRecord } from './record.ts';

const tls: AcmeTls = {
  ...{ kind: 'letsencrypt', names: ['a.example', 'b.example'], email: null, ca: null, hsts: true },
  ...{ directory: 'https://acme.example/directory', staging: null },
};
const now = Date.parse('2026-03-01T12:00:00Z');
const hour = 3_600_000;

/** Good since so many days, and for so many more. */
function issued(since: number, left: number, names = tls.names): Loaded {
  const at = (days: number) => new Date(now + days * 24 * hour).toUTCString();
  const subjectAltName = names.map((name) => `DNS:${name}`).join(', ');
  const certificate = { validFrom: at(-since), validTo: at(left), subjectAltName };
  return { certificate: certificate as X509Certificate, pem: '', keyMatches: true };
}

const failure = { at: '', count: 1, reason: 'no', next: '2026-03-01T13:00:00.000Z' };
const record: IssueRecord = {
  ...{ names: ['b.example', 'a.example'], directory: tls.directory },
  ...{ issuedFrom: tls.directory, failure: null },
};
const state = (its: Partial<IssueState>): IssueState => ({ record, issued: issued(30, 60), now, ...its });

describe('a certificate of an ACME authority', () => {
  const table: [what: string, state: IssueState, reason: RegExp | null][] = [
    ['is not due while it has a third of its life left', state({ issued: issued(59, 31) }), null],
    ['is due once it has less', state({ issued: issued(61, 29) }), /^it ends /],
    ['is not due while a short-lived one has half of its life left', state({ issued: issued(2, 4) }), null],
    ['is due once that has less', state({ issued: issued(3.5, 2.5) }), /^it ends /],
    ['is due where there is none', state({ issued: null }), /none was issued yet/],
    ['is due where nobody knows whence it is', state({ record: null }), /none was issued yet/],
    ['is due for other names', state({ issued: issued(1, 89, ['a.example']) }), /^other names$/],
    [
      'is due from another authority',
      state({ record: { ...record, issuedFrom: 'https://other.example/directory' } }),
      /another authority/,
    ],
    ['is due where the last try failed', state({ record: { ...record, failure } }), /the last try failed/],
    ['is due when somebody asks for it', state({ record: { ...record, asked: true } }), /somebody asks/],
  ];
  for (const [what, its, reason] of table)
    it(what, () => {
      const due = dueFor(tls, its);
      if (reason === null) assert.equal(due, null);
      else assert.match(due ?? '', reason);
    });

  it('is not asked for again before its time, unless a person does, or for other names', () => {
    const failed = { ...record, failure };
    const waits = (its: Partial<IssueRecord>, later = 0) =>
      waitsUntil(tls, state({ record: { ...failed, ...its }, now: now + later }));
    assert.equal(waits({}), failure.next);
    assert.equal(waits({}, hour), null);
    assert.equal(waits({ asked: true }), null);
    assert.equal(waits({ names: ['a.example'] }), null);
  });
});

describe('a failure of an ACME authority', () => {
  it('is waited out longer each time, up to a day', () => {
    let last = failureAfter(null, { reason: 'no', retryAfter: null }, now);
    const hours = () => (Date.parse(last.next) - now) / hour;
    const seen = [hours()];
    for (let count = 2; count <= 7; count += 1) {
      last = failureAfter(last, { reason: 'no', retryAfter: null }, now);
      seen.push(hours());
    }
    assert.deepEqual(seen, [1, 2, 4, 8, 16, 24, 24]);
    assert.equal(last.count, 7);
  });

  it('is waited out until the authority says, where that is later', () => {
    const until = (retryAfter: Date) => failureAfter(null, { reason: 'no', retryAfter }, now).next;
    assert.equal(until(new Date(now + 50 * hour)), '2026-03-03T14:00:00.000Z');
    assert.equal(until(new Date(now + 1)), '2026-03-01T13:00:00.000Z');
  });
});
