import { appOf } from './app-of.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';
import { requireReady } from './ready.ts';
import { decodeScale, formation } from './releases/formation.ts';
import { outdated, release } from './releases/release.ts';
import { requireRoom } from './releases/room.ts';
import { settle } from './releases/settle.ts';
import { layerPath, liveRelease, slugPath, unpack } from './releases/store.ts';
import { readStores } from './releases/stores.ts';
import type { Settings } from './settings.ts';
import type { UploadsInput } from './uploads.ts';

export type DeployInput = UploadsInput & { settings: Settings; runtime: string; commit: string; by: string };
export type DeployResult = { release: number; changed: boolean };

/** Unpacks a slug, runs its release process and brings it live; a slug that is live already changes nothing. */
export async function deploy(
  input: DeployInput,
  { host, emit, stop }: { host: Host; emit: (event: Event) => void; stop: AbortSignal },
): Promise<DeployResult> {
  const { settings, runtime, slug, layer, commit, by } = input;
  const app = appOf(settings, input.app);
  const say = (text: string) => emit({ type: 'progress', text });
  const { env, scale } = await readStores(host, app.name);
  await requireReady(host, app, env);
  await settle(host, app, say);
  const live = await liveRelease(host, app.name);
  if (live?.slug === slug && !(await outdated(host, settings, app, runtime))) {
    return { release: live.number, changed: false };
  }
  await requireRoom(host, settings, app.name, formation(host, settings, app, decodeScale(scale)));
  say('unpacks');
  await unpack(host, app.name, input.layerDigest, layerPath(app.name, layer));
  // The slug finds its dependencies by a symlink in its archive, to the layer beside it.
  await unpack(host, app.name, input.sourceDigest, slugPath(app.name, slug));
  const options = { migrate: true, say, stop };
  const made = await release(
    host,
    settings,
    app,
    { slug, layer, runtime, commit, by, reason: 'deploy' },
    options,
  );
  return { release: made.number, changed: true };
}
