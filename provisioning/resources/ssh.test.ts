import assert from 'node:assert/strict';
import { inverseOf, plans, rootFile } from '../../test/resource-rows.ts';
import type { Host } from '../host.ts';
import type { Goal } from './resource.ts';
import { includes } from './ssh.ts';

const main = '/etc/ssh/sshd_config';
const dropIns = '/etc/ssh/sshd_config.d';
const including = includes({
  ...{ path: main, dropIns, ours: `${dropIns}/00-berth.conf`, proofInPlace: ['true'] },
});
const wanted = `Include ${dropIns}/*.conf\n`;
const ownFile = { stat: { ...rootFile, mode: 0o600 }, others: [] };
plans('what sshd reads first', including, [
  [{ ...ownFile, content: `# of the machine\n${wanted}#Port 22\nX11Forwarding yes\n` }, []],
  [{ ...ownFile, content: `Port 22\n${wanted}` }, [`write ${main}`]],
  [{ ...ownFile, content: `${wanted}  port=2200\n` }, [`write ${main}`]],
  [{ ...ownFile, content: `${wanted}#berth: Port 22\n` }, []],
]);
plans('a port of sshd_config without Berth', inverseOf(including), [
  [{ stat: rootFile, content: `${wanted}#berth: Port 22\n` }, [`write ${main}`]],
  [{ stat: rootFile, content: `${wanted}#Port 22\n` }, []],
]);

describe('where sshd listens', () => {
  const before = `Port 22\n  port 2200\nListenAddress 10.0.0.1\n`;

  it('is set aside in its own file, and comes back line for line', () => {
    const written = (goal: Goal, content: string) => {
      const [change] = goal.plan({ stat: rootFile, content, others: [] });
      assert.ok(change?.do === 'write');
      return change.content;
    };
    const set = written(including, before);
    assert.equal(set, `${wanted}#berth: Port 22\n#berth:   port 2200\nListenAddress 10.0.0.1\n`);
    assert.equal(written(inverseOf(including), set), wanted + before);
  });

  it('is named where Berth leaves it', async () => {
    const files: Record<string, string> = {
      [main]: `${wanted}${before}ListenAddress [::1]:2201\nListenAddress 2001:db8::22\n`,
      [`${dropIns}/00-berth.conf`]: 'Port 22\n',
      [`${dropIns}/50-own.conf`]: '#Port 1\nPort 2202\nListenAddress 10.0.0.1:2203\n',
      [`${dropIns}/old`]: 'Port 2204\n',
    };
    const host = {
      list: async () => ['00-berth.conf', '50-own.conf', 'old'],
      read: async (path: string) => files[path] ?? null,
      stat: async () => ownFile.stat,
    };
    const state = await including.check(host as unknown as Host);
    assert.deepEqual(
      including.notices?.(state).map((text) => text.replace(/^.* too: /, '')),
      [
        `${main} says ListenAddress [::1]:2201`,
        `${dropIns}/50-own.conf says Port 2202`,
        `${dropIns}/50-own.conf says ListenAddress 10.0.0.1:2203`,
      ],
    );
  });
});
