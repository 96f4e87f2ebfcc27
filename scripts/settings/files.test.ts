import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../test/self-signed.ts';
import { identityFile, readCertificates } from './files.ts';

describe('files that a hosts file names', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-files-'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  before(() => {
    for (const [name, ca] of [
      ['ca', 'TRUE'],
      ['leaf', 'FALSE'],
    ]) {
      const [openssl = '', ...make] = selfSigned;
      const named = ['-subj', `/CN=${name}`, '-addext', `basicConstraints=critical,CA:${ca}`];
      const out = ['-keyout', join(directory, `${name}.key`), '-out', join(directory, `${name}.pem`)];
      execFileSync(openssl, [...make, ...named, ...out], { stdio: 'ignore' });
    }
    write('empty.pem', 'nothing\n');
    write('cut.pem', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  });
  after(() => rmSync(directory, { recursive: true }));

  it('certificates of authorities are read, comments between them left out', () => {
    const pem = readFileSync(join(directory, 'ca.pem'), 'utf8');
    write('two.pem', `# one\n${pem}# two\n${pem}`);
    assert.equal(readCertificates('two.pem', directory), pem + pem);
  });

  const refused: [file: string, reason: RegExp][] = [
    ['none.pem', /cannot be read: ENOENT/],
    ['empty.pem', /holds no certificate/],
    ['cut.pem', /cannot be decoded/],
    ['leaf.pem', /no authority's: CN=leaf/],
    ['ca.key', /holds a private key/],
  ];
  for (const [file, reason] of refused) {
    it(`${file} is refused`, () => assert.throws(() => readCertificates(file, directory), reason));
  }

  it('an identity becomes an absolute path and has to be there', () => {
    assert.equal(identityFile('ca.key', directory), join(directory, 'ca.key'));
    assert.throws(() => identityFile('none', directory), /cannot be read: ENOENT/);
  });
});
