import { appOf } from './app-of.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';
import { requireReady } from './ready.ts';
import { makeRoom, outdated, type ReleaseInput, release } from './releases/release.ts';
import { settle } from './releases/settle.ts';
import { layerPath, liveRelease, slugPath, unpack } from './releases/store.ts';
import { readStores } from './releases/stores.ts';
import type { AppSettings, Settings } from './settings.ts';
import type { UploadsInput } from './uploads.ts';

export type DeployInput = UploadsInput & { settings: Settings; runtime: string; commit: string; by: string };
export type DeployResult = { release: number; changed: boolean };

type Context = { host: Host; emit: (event: Event) => void; stop: AbortSignal };

/** Unpacks a slug, runs its release process and brings it live; a slug that is live already changes nothing. */
export async function deploy(input: DeployInput, context: Context): Promise<DeployResult> {
  const { settings, runtime, slug, layer, commit, by } = input;
  const app = appOf(settings, input.app);
  const { host, emit } = context;
  const made = { slug, layer, runtime, commit, by, reason: 'deploy' };
  return bringLive(settings, app, made, context, async () => {
    emit({ type: 'progress', text: 'unpacks' });
    await unpack(host, app.name, input.layerDigest, layerPath(app.name, layer));
    // The slug finds its dependencies by a symlink in its archive, to the layer beside it.
    await unpack(host, app.name, input.sourceDigest, slugPath(app.name, slug));
  });
}

/** Brings a slug live, which `provide` puts in its place where it is not there yet. */
export async function bringLive(
  settings: Settings,
  app: AppSettings,
  made: ReleaseInput,
  { host, emit, stop }: Context,
  provide = async () => {},
): Promise<DeployResult> {
  const say = (text: string) => emit({ type: 'progress', text });
  await requireReady(host, app, (await readStores(host, app.name)).env);
  await settle(host, app, { say, stop });
  const live = await liveRelease(host, app.name);
  if (live?.slug === made.slug && !(await outdated(host, settings, app, made.runtime))) {
    return { release: live.number, changed: false };
  }
  await makeRoom(host, settings, app, { say, stop });
  await provide();
  const { number } = await release(host, settings, app, made, { migrate: true, say, stop });
  return { release: number, changed: true };
}
