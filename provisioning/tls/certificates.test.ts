import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import type { Loaded } from '../resources/certificate.ts';
import type { AcmeTls } from '../settings.ts';
import { installed } from './certificates.ts';

const tls: AcmeTls = {
  ...{ kind: 'letsencrypt', names: ['a.example'], email: null, ca: null, hsts: true },
  ...{ directory: 'https://acme.example/directory', staging: null },
};
const now = Date.parse('2026-03-01T12:00:00Z');
const stat = { type: 'file', mode: 0o600, owner: 'root', group: 'root', size: 1 } as const;

function state({ names = ['a.example'], validTo = '2026-04-01T00:00:00Z', server = 'old' }) {
  const subjectAltName = names.map((name) => `DNS:${name}`).join(', ');
  const certificate = { subjectAltName, validTo, issuer: "C=US\nO=Let's Encrypt\nCN=E7" } as X509Certificate;
  const issued: Loaded = { certificate, pem: '', keyMatches: true };
  return { issued, pem: 'new', server: { stat, content: server }, hsts: { stat: null, content: null }, now };
}

describe('what an ACME authority issued', () => {
  const plan = (its: Parameters<typeof state>[0]) => installed(tls).plan(state(its));

  it('is put where nginx reads it, with HSTS, by one reload', () => {
    const changes = plan({});
    assert.deepEqual(
      changes.map((change) =>
        change.do === 'run' ? change.argv.join(' ') : 'path' in change && change.path,
      ),
      ['/etc/nginx/conf.d/berth-hsts.conf', '/etc/berth/tls/server.pem', 'systemctl reload nginx.service'],
    );
    assert.ok(changes[1]?.do === 'write' && changes[1].secret && changes[1].mode === 0o600);
  });

  it('stays away while it is for other names, has ended, or is there already', () => {
    assert.deepEqual(plan({ names: ['a.example', 'b.example'] }), []);
    assert.deepEqual(plan({ validTo: '2026-02-01T00:00:00Z' }), []);
    assert.deepEqual(plan({ server: 'new' }), []);
  });
});
