import { join } from 'node:path';
import { hostKeys } from '../../scripts/machines/container/keys.ts';
import { placeOf } from '../../scripts/machines/container/place.ts';
import { leaderOf } from '../../scripts/machines/container/processes.ts';
import type { ImageName } from '../../scripts/machines/container/recipe.ts';
import { containerMachine } from '../../scripts/machines/container.ts';
import { runChecked } from '../../scripts/process.ts';
import { quietReport } from '../../scripts/report.ts';

/** A machine that stands for a rented one: Berth is told its address and no more. */
export type Bare = {
  address: string;
  /** Its public host keys, as its owner would tell them. */
  hostKeys: string[];
  /** Runs a shell line inside as root, past its sshd. */
  inside(line: string, input?: string): Promise<string>;
  destroy(): Promise<void>;
};

const report = quietReport();

export async function bareMachine(root: string, name: string, image: ImageName): Promise<Bare> {
  const stateDirectory = join(root, '.berth');
  const machine = containerMachine({ name, stateDirectory, image, network: '10.77.0.0/24' });
  await machine.create(report);
  const place = placeOf(stateDirectory, name);
  const { names } = await machine.reach();
  return {
    address: names[0] ?? '',
    hostKeys: hostKeys(place.rootfs),
    async inside(line, input = '') {
      const enter = ['nsenter', '--target', String(leaderOf(place.id)), '--all', 'sh', '-euc', line];
      return (await runChecked(enter, { input })).stdout;
    },
    destroy: () => machine.destroy(report),
  };
}
