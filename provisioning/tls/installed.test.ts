import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import type { Loaded } from '../resources/certificate.ts';
import { checksums } from '../resources/service.ts';
import type { AcmeTls } from '../settings.ts';
import { installed } from './installed.ts';

const tls: AcmeTls = {
  ...{ kind: 'letsencrypt', names: ['a.example'], email: null, ca: null, hsts: true },
  ...{ directory: 'https://acme.example/directory', staging: null },
};
const now = Date.parse('2026-03-01T12:00:00Z');
const stat = { type: 'file', mode: 0o600, owner: 'root', group: 'root', size: 1 } as const;

const record = {
  ...{ names: ['a.example'], directory: tls.directory },
  issuedFrom: tls.directory,
  failure: null,
};
const hsts = (value: string) => `# Kept by berth apply: an empty value is no header.
map $https $berth_hsts {
  default "";
  on "${value}";
}
`;

function state({
  names = ['a.example'],
  validTo = '2026-04-01T00:00:00Z',
  server = 'old',
  from = tls.directory,
  read = true,
}) {
  const subjectAltName = names.map((name) => `DNS:${name}`).join(', ');
  const certificate = { subjectAltName, validTo, issuer: "C=US\nO=Let's Encrypt\nCN=E7" } as X509Certificate;
  const issued: Loaded = { certificate, pem: '', keyMatches: true };
  return {
    ...{
      issued,
      pem: 'new',
      server: { stat, content: server },
      record: { ...record, issuedFrom: from },
      now,
    },
    hsts: { stat: { ...stat, mode: 0o644 }, content: hsts('max-age=63072000') },
    read: read ? checksums({ '/etc/berth/tls/server.pem': server }) : null,
  };
}

describe('what an ACME authority issued', () => {
  const plan = (its: Parameters<typeof state>[0]) =>
    installed(tls)
      .plan(state(its))
      .map((change) => (change.do === 'run' ? change.argv.join(' ') : 'path' in change && change.path));
  const reload = 'systemctl reload nginx.service';

  it('is put where nginx reads it, by one reload', () => {
    assert.deepEqual(plan({}), ['/etc/berth/tls/server.pem', reload]);
    const [write] = installed(tls).plan(state({}));
    assert.ok(write?.do === 'write' && write.secret && write.mode === 0o600 && write.proofInPlace);
  });

  it('stays away while it is for other names, has ended, or is there already', () => {
    assert.deepEqual(plan({ names: ['a.example', 'b.example'] }), []);
    assert.deepEqual(plan({ validTo: '2026-02-01T00:00:00Z' }), []);
    assert.deepEqual(plan({ server: 'new' }), []);
  });

  it('is read by nginx once more where that was cut off', () => {
    assert.deepEqual(plan({ server: 'new', read: false }), [reload]);
  });

  it('has no HSTS while it is of another authority than the settings say', () => {
    const changes = plan({ server: 'new', from: 'https://staging.example/directory' });
    assert.deepEqual(changes, ['/etc/nginx/conf.d/berth.hsts.conf', reload]);
  });
});
