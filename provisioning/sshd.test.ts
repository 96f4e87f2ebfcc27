import assert from 'node:assert/strict';
import { platformOf } from './platform.ts';
import type { Settings } from './settings.ts';
import { sshdConfiguration } from './sshd.ts';
import { weak } from './verify/ssh-algorithms.ts';

const debian = platformOf('ID=debian\nVERSION_ID="13"\n');

function configuration(vagrant: string | null): string {
  const nginx = { httpPort: 80, httpsPort: 443, publicHttpsPort: 8443 };
  return sshdConfiguration({ ssh: { port: 22, vagrant }, nginx } as unknown as Settings, debian);
}

const keyExchangesOf = (text: string) => /^KexAlgorithms (.*)$/m.exec(text)?.[1]?.split(',') ?? [];

describe('sshd', () => {
  it('forwards nothing, for anybody', () => {
    const text = configuration(null);
    assert.match(text, /^AllowTcpForwarding no$/m);
    assert.doesNotMatch(text, /^Match/m);
  });

  it('lets Vagrant in by what its library knows, last of all, and forward to nginx alone', () => {
    const text = configuration('vagrant');
    const added = keyExchangesOf(text).filter((name) => !keyExchangesOf(configuration(null)).includes(name));
    assert.deepEqual(added, ['diffie-hellman-group-exchange-sha256']);
    assert.deepEqual(keyExchangesOf(text).at(-1), added[0]);
    assert.deepEqual(weak('kex', keyExchangesOf(text).join(',')), []);
    assert.match(
      text,
      /\nMatch User vagrant\n {2}AllowTcpForwarding local\n {2}PermitOpen 127.0.0.1:80 127.0.0.1:443\nMatch all\n$/,
    );
  });
});
