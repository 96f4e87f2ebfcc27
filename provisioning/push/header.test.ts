import assert from 'node:assert/strict';
import { readHeader } from './header.ts';
import { commentOf } from './pusher.ts';

const header = {
  app: 'api',
  branch: 'main',
  commit: '1d7b537',
  manifests: { 'package.json': '{}' },
  connection: '203.0.113.7 50000 203.0.113.8 22',
};

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('what the hook hands over', () => {
  for (const size of [1, 7, 100_000]) {
    it(`is read in pieces of ${size} bytes, and what follows is left whole`, async () => {
      const archive = Buffer.from([0, 10, 255, 10, 0]);
      const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), archive]);
      const read = await readHeader(inPieces(bytes, size));
      assert.deepEqual(read.header, header);
      assert.deepEqual(Buffer.concat(await Array.fromAsync(read.rest)), archive);
    });
  }

  const broken: [what: string, text: string][] = [
    ['has no line', JSON.stringify(header)],
    ['lacks a field', '{}\n'],
    ['names no application', `${JSON.stringify({ ...header, app: '../etc' })}\n`],
    ['names no commit', `${JSON.stringify({ ...header, commit: 'main' })}\n`],
    ['has a manifest elsewhere', `${JSON.stringify({ ...header, manifests: { '../x': '' } })}\n`],
    ['has a manifest at the root', `${JSON.stringify({ ...header, manifests: { '/etc/x': '' } })}\n`],
  ];
  for (const [what, text] of broken) {
    it(`is refused where it ${what}`, () =>
      assert.rejects(readHeader(inPieces(Buffer.from(text), 100_000)), { code: 'bad_request' }));
  }
});

describe('a pusher', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVOrQiEVMlYvJULkRlZh1A8f0I/KbQnEcMDUHfgL1iP you@laptop';
  const fingerprint = 'XW57BV/8nkbbB/2JbANmro9tijKJ9qintIMSP/pAOB4';

  it('is known by the comment of the key that sshd has seen', () => {
    assert.equal(commentOf([key], fingerprint), 'you@laptop');
    assert.equal(commentOf([`restrict,from="203.0.113.7" ${key}`], fingerprint), 'you@laptop');
    assert.equal(commentOf([key.replace(' you@laptop', '')], fingerprint), '');
    assert.equal(commentOf([key], 'another'), undefined);
    assert.equal(commentOf([key], undefined), undefined);
  });
});
