import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asRoot } from './entrance.ts';
import { run } from './process.ts';
import { sudoAsks } from './sudo-password.ts';

/** As sudo does: `-n` is refused where a password is wanted, `-S` takes the first line for one. */
const sudo = `#!/bin/sh
for option; do
  case $option in
    -n) [ "$WANTS" != password ] || { echo 'sudo: a password is required' >&2; exit 1; } ;;
    -S) [ "$WANTS" != password ] || { read -r given; [ "$given" = secret ] || exit 1; } ;;
    -*) ;;
    *) break ;;
  esac
  shift
done
exec "$@"
`;

describe('becoming root on a machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-sudo-'));
  before(() => {
    writeFileSync(join(directory, 'sudo'), sudo, { mode: 0o755 });
    writeFileSync(join(directory, 'id'), '#!/bin/sh\necho "$WHO"\n', { mode: 0o755 });
  });
  after(() => rmSync(directory, { recursive: true }));

  function become(who: number, wants: string, password: string | undefined) {
    const sent = password === undefined ? {} : { BERTH_SUDO: 'asks' };
    return run(['sh', '-c', `${asRoot}\nexec $s cat`], {
      input: `${password === undefined ? '' : `${password}\n`}what is sent\n`,
      env: { PATH: `${directory}:${process.env.PATH}`, WHO: String(who), WANTS: wants, ...sent },
    });
  }

  for (const [what, who, wants] of [
    ['root', 0, 'nothing'],
    ['a user whose sudo wants no password', 1000, 'nothing'],
    ['a user whose sudo wants one', 1000, 'password'],
  ] as const)
    it(`leaves what is sent alone for ${what}, whose password goes before it`, async () => {
      assert.equal((await become(who, wants, 'secret')).stdout, 'what is sent\n');
    });

  it('is seen to want a password, and nothing is sent', async () => {
    const result = await become(1000, 'password', undefined);
    assert.deepEqual([result.stdout, sudoAsks(result)], ['', true]);
    assert.equal((await become(1000, 'nothing', undefined)).stdout, 'what is sent\n');
  });

  it('is seen of sudo-rs too, and not in what a command says', () => {
    assert.ok(sudoAsks({ code: 1, stderr: 'sudo: interactive authentication is required\n' }));
    assert.ok(!sudoAsks({ code: 1, stderr: 'a password is required\n' }));
  });
});
