import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../command.ts';
import type { MachineKind } from '../settings/schema.ts';
import { chooseKind } from './choose-kind.ts';

describe('the kind of machine that up makes', () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'berth-kind-'));
  after(() => rmSync(stateDirectory, { recursive: true }));

  type Case = {
    says: MachineKind | 'auto';
    wants?: string;
    /** The file that marks a machine that is there. */
    there?: string;
    usable?: boolean;
  };

  function choose({ says, wants, there, usable = false }: Case) {
    const directory = join(stateDirectory, 'machines/local');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    if (there) writeFileSync(join(directory, there), '{}');
    const file = {
      auto: says === 'auto',
      machine: { kind: says === 'auto' ? 'container' : says },
      path: 'l.yml',
    };
    const context = { flags: { host: 'local' }, stateDirectory, hostFile: async () => file };
    return chooseKind(context as unknown as Context, wants, async () => usable);
  }

  const chosen: [Case, kind: string | undefined][] = [
    [{ says: 'auto' }, 'container'],
    [{ says: 'auto', usable: true }, 'vagrant'],
    [{ says: 'auto', usable: true, wants: 'container' }, 'container'],
    [{ says: 'auto', wants: 'vagrant' }, 'vagrant'],
    [{ says: 'auto', usable: true, there: 'machine.json' }, 'container'],
    [{ says: 'auto', there: 'vagrant.json' }, 'vagrant'],
    [{ says: 'container', usable: true }, 'container'],
    [{ says: 'vagrant', wants: 'vagrant' }, 'vagrant'],
    [{ says: 'ssh', usable: true }, undefined],
  ];
  for (const [given, kind] of chosen) {
    it(`is ${kind} for ${JSON.stringify(given)}`, async () => assert.equal(await choose(given), kind));
  }

  const refused: [Case, message: RegExp][] = [
    [{ says: 'auto', wants: 'ssh' }, /--machine ssh is no kind/],
    [{ says: 'auto', wants: 'vagrant', there: 'machine.json' }, /local is there already, of kind container/],
    [{ says: 'container', wants: 'vagrant' }, /l\.yml says machine\.kind: container/],
    [{ says: 'ssh', wants: 'container' }, /l\.yml says machine\.kind: ssh/],
  ];
  for (const [given, message] of refused) {
    it(`is refused for ${JSON.stringify(given)}`, () =>
      assert.rejects(choose(given), { code: 'wrong_usage', message }));
  }
});
