import assert from 'node:assert/strict';
import { certbot, refusalIn } from './certbot.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

/** As certbot 4.0 (Debian 13) prints them; the second is what Let's Encrypt says, in its form. */
const validation = `Simulating a certificate request for api.example.test

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Identifier: api.example.test
  Type:   connection
  Detail: Get "http://api.example.test:80/.well-known/acme-challenge/x": dial tcp 10.77.0.2:80: connect: no route to host

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Saving debug log to /var/lib/berth/acme/logs/letsencrypt.log
Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org.
`;
const limited = `Saving debug log to /var/lib/berth/acme/logs/letsencrypt.log
Requesting a certificate for api.example.test
An unexpected error occurred:
too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-03-03 04:10:24 UTC: see https://letsencrypt.org/docs/rate-limits/
Ask for help or search for solutions at https://community.letsencrypt.org.
`;
const away = `Saving debug log to /var/lib/berth/acme/logs/letsencrypt.log
An unexpected error occurred:
ValueError: Requesting 10.77.0.1/dir: Connection refused
Ask for help or search for solutions at https://community.letsencrypt.org.
`;

describe('a refusal', () => {
  it('is told in the words of the authority', () => {
    const { reason, retryAfter } = refusalIn(validation, now);
    assert.match(reason, /^api\.example\.test: Get "http:\/\/.*: connect: no route to host$/);
    assert.equal(retryAfter, null);
    assert.equal(refusalIn(away, now).reason, 'ValueError: Requesting 10.77.0.1/dir: Connection refused');
  });

  it('says when to come again, where the authority does', () => {
    const { reason, retryAfter } = refusalIn(limited, now);
    assert.match(reason, /^too many certificates \(5\) already issued/);
    assert.equal(retryAfter?.toISOString(), '2026-03-03T04:10:24.000Z');
  });

  it('takes no time from what stands on somebody else’s server, and none beyond reason', () => {
    const quoting = validation.replace('no route to host', '"Retry-After: 99999999"');
    assert.equal(refusalIn(quoting, now).retryAfter, null);
    for (const time of ['2026-13-45 99:99:99', '0000-00-00 00:00:00']) {
      const wrong = limited.replace('2026-03-03 04:10:24', time);
      assert.equal(refusalIn(wrong, now).retryAfter, null);
    }
    const far = refusalIn(limited.replace('2026', '2099'), now);
    assert.equal(far.retryAfter?.toISOString(), '2026-03-09T12:00:00.000Z');
    const seconds = refusalIn(limited.replace(/retry after .*/, 'Retry-After: 9999999999999999999'), now);
    assert.equal(seconds.retryAfter?.toISOString(), '2026-03-09T12:00:00.000Z');
  });

  it('is never empty', () => {
    assert.equal(refusalIn('', now).reason, 'certbot said nothing');
  });
});

describe("certbot's arguments", () => {
  const asked = { names: ['a.example', 'b.example'], email: null };

  it('are of one certificate for all names, by HTTP, apart from other people’s', () => {
    const argv = certbot(asked, { server: 'https://acme.example/directory', trial: false });
    assert.ok(argv.includes('--domains=a.example,b.example') && argv.includes('--webroot'));
    assert.ok(argv.includes('--register-unsafely-without-email') && !argv.includes('--dry-run'));
    assert.ok(
      argv.filter((word) => word.includes('-dir=')).every((word) => word.includes('=/var/lib/berth/')),
    );
  });

  it('ask on trial where it is one', () => {
    assert.ok(certbot(asked, { server: 'https://acme.example/staging', trial: true }).includes('--dry-run'));
  });
});
