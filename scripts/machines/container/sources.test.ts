import assert from 'node:assert/strict';
import { chooseMirror, parseDeb822, parseList } from './sources.ts';

const deb822 = `Types: deb
# a snapshot of some day
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

const oneLine = `# See sources.list(5)
deb [arch=amd64 signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/linux/debian bookworm stable main
deb-src http://mirror.example/debian bookworm main
deb https://tool.example/debian bookworm main # a vendor who calls its component main
deb http://mirror.example/debian/ bookworm main contrib
deb http://mirror.example/debian/ bookworm-updates main
deb http://security.example bookworm-security main
`;

describe('apt sources', () => {
  it('are read from deb822 stanzas', () => {
    assert.deepEqual(
      parseDeb822(deb822).map(({ uri, suite }) => [uri, suite]),
      [
        ['http://mirror.example/debian', 'bookworm'],
        ['http://mirror.example/debian', 'bookworm-updates'],
        ['http://mirror.example/debian-security', 'bookworm-security'],
      ],
    );
  });

  it('leave out what is switched off, and sources of sources', () => {
    assert.deepEqual(
      parseDeb822('Types: deb\nEnabled: no\nURIs: http://x/debian\nSuites: sid\nComponents: main'),
      [],
    );
    assert.deepEqual(parseDeb822('Types: deb-src\nURIs: http://x/debian\nSuites: sid\nComponents: main'), []);
  });

  it('take continued fields', () => {
    const [source] = parseDeb822(
      'Types: deb\nURIs:\n http://x/debian\nSuites: sid\nComponents: main\n contrib\n',
    );
    assert.deepEqual(source, { uri: 'http://x/debian', suite: 'sid', components: ['main', 'contrib'] });
  });

  it('are read from one-line lists, options and comments and all', () => {
    const [vendor, , main] = parseList(oneLine);
    assert.deepEqual(vendor, {
      uri: 'https://vendor.example/linux/debian',
      suite: 'bookworm',
      components: ['stable', 'main'],
      signedBy: '/etc/apt/keyrings/vendor.gpg',
    });
    assert.deepEqual(main?.components, ['main', 'contrib']);
  });
});

describe('the mirror', () => {
  it('is the entry that has what only Debian has, with its security suite', () => {
    assert.deepEqual(chooseMirror(parseList(oneLine)), {
      main: 'http://mirror.example/debian/',
      security: 'http://security.example',
    });
    assert.deepEqual(chooseMirror(parseDeb822(deb822)), {
      main: 'http://mirror.example/debian',
      security: 'http://mirror.example/debian-security',
    });
  });

  it('is none on a computer that is not Debian', () => {
    assert.equal(chooseMirror(parseList('deb http://archive.example/ubuntu noble main universe')), undefined);
    assert.equal(chooseMirror(parseList('deb https://vendor.example/apt bookworm main')), undefined);
  });
});
