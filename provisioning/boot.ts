import type { Host } from './host.ts';
import { pointSocket } from './releases/cutover.ts';
import { liveNumber, unitOf, workersUnit } from './releases/store.ts';
import { restoreStores } from './releases/stores.ts';

/** After a boot: points nginx to the live release and starts it, its workers too. `/srv/<app>/current` alone says which it is. */
export async function boot(
  { app }: { app: string },
  { host }: { host: Host },
): Promise<{ started: number | null }> {
  const number = await liveNumber(host, app);
  if (number === null) return { started: null };
  // The machine may have stopped in the middle of a flip.
  await restoreStores(host, app, number);
  await pointSocket(host, app, number);
  await host.must(['systemctl', 'start', '--no-block', unitOf(app, number), workersUnit(app)]);
  return { started: number };
}
