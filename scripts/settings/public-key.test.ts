import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePublicKey } from './public-key.ts';

const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVOrQiEVMlYvJULkRlZh1A8f0I/KbQnEcMDUHfgL1iP you@laptop';

describe('parsePublicKey', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-keys-'));
  after(() => rmSync(directory, { recursive: true }));

  function made(...options: string[]): string {
    const path = join(directory, options.join(''));
    execFileSync('ssh-keygen', ['-q', '-N', '', '-C', 'a comment', '-f', path, ...options]);
    return readFileSync(`${path}.pub`, 'utf8');
  }

  for (const options of [
    ['-t', 'ed25519'],
    ['-t', 'rsa', '-b', '2048'],
    ['-t', 'ecdsa', '-b', '256'],
    ['-t', 'ecdsa', '-b', '521'],
  ]) {
    it(`takes what ssh-keygen ${options.join(' ')} makes`, () => {
      const key = made(...options);
      assert.equal(parsePublicKey(key), key.trim());
    });
  }

  for (const options of [
    'restrict',
    'restrict,from="203.0.113.0/24,198.51.100.7",expiry-time="20270101"',
    'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\""',
  ]) {
    it(`takes a key that ${options} holds back`, () => {
      assert.equal(parsePublicKey(`${options} ${line}`), `${options} ${line}`);
    });
  }

  it('refuses an RSA key that sshd would refuse', () => {
    const key = made('-t', 'rsa', '-b', '1024');
    assert.throws(() => parsePublicKey(key), /1024 bits/);
  });

  const broken: [text: string, reason: RegExp][] = [
    ['', /does not begin with a type of key/],
    [line.replace('ssh-ed25519', 'ssh-dss'), /DSA/],
    [line.slice(0, 60), /is broken/],
    [line.replace('GVOr', 'GV*r'), /is broken/],
    [line.replace('ssh-ed25519 ', 'ssh-rsa '), /says ssh-rsa but holds another type/],
    [`command="id" ${line}`, /does not begin with a type of key/],
    [`restrict,agent-forwarding ${line}`, /does not begin with a type of key/],
    [`restrict,command="id ${line}`, /does not begin with a type of key/],
    [`${line}\n${line}`, /more than one line/],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n', /is a PRIVATE key/],
  ];
  for (const [text, reason] of broken) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(
        () => parsePublicKey(text),
        (error: Error) => reason.test(error.message) && !error.message.includes('hush'),
      );
    });
  }
});
