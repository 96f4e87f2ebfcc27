import assert from 'node:assert/strict';
import { parseHostFile } from './settings.ts';
import { requireNames, requireValues } from './variables.ts';

describe('a variable of berth config', () => {
  const file = { name: 'local', path: 'local.yml', root: '/' };
  const { settings } = parseHostFile(
    'machine: {kind: container}\napps: {api: {env: {LEVEL: low}}, other: {database: none, prefix: /other}}\n',
    file,
  );
  const app = (name: string) => settings.apps[name] as NonNullable<(typeof settings.apps)[string]>;

  it('is free, or a secret that the machine has made', () => {
    requireNames(app('api'), ['FREE', 'JWT_KEYS']);
    requireNames(app('other'), ['DATABASE_URL', 'LEVEL']);
  });

  it('is refused where somebody else sets it, every name at once', () => {
    assert.throws(() => requireNames(app('api'), ['LEVEL', 'FREE', 'PORT', 'DATABASE_URL', '2A']), {
      code: 'config_refused',
      message:
        /^LEVEL is set by the hosts file.*\nPORT is not yours.*\nDATABASE_URL .*\n2A is not a variable/,
    });
  });

  it('has a value that a file and a process can carry, or is refused by its name alone', () => {
    requireValues({ A: '', B: `"'$\`\\ #` });
    for (const value of ['hunter2\n', 'hunter2\0', `hunter2${'x'.repeat(131_072)}`]) {
      assert.throws(() => requireValues({ A: value }), /^BerthError: A has a value (?!.*hunter2)/);
    }
  });
});
