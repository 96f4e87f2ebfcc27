import type { Host } from '../host.ts';
import { releasePath, workersNumber, workersUnit } from './store.ts';

/** Starts the live release's workers once those that run have finished; nobody waits for them. */
export async function followWithWorkers(host: Host, app: string): Promise<void> {
  await host.must(['systemctl', 'restart', '--no-block', workersUnit(app)]);
}

/** Whether the workers that run are the live release's, all of them and no others. */
export async function workersFollow(host: Host, app: string, live: number): Promise<boolean> {
  const [unit, wanted, running] = await Promise.all([
    host.facts.unit(workersUnit(app)),
    host.stat(`${releasePath(app, live)}/workers.json`),
    workersNumber(host, app),
  ]);
  // While the ones before still finish, systemd has the start of these in its queue.
  if (unit.active === 'deactivating') return true;
  return wanted ? unit.active === 'active' && running === live : unit.active !== 'active';
}
