import { join } from 'node:path';
import { appOf } from '../app-of.ts';
import { bringLive, type DeployResult } from '../deploy.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { requireReady } from '../ready.ts';
import { layerId, type Manifests, slugId, type Target } from '../releases/identity.ts';
import { parseManifest, processesOf } from '../releases/procfile.ts';
import { linkSlug } from '../releases/slug-links.ts';
import { appRoot, layerPath, slugPath } from '../releases/store.ts';
import { readStores } from '../releases/stores.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { build } from './sandbox.ts';
import { entriesOf, takeOver } from './take-over.ts';

export type PushInput = {
  app: string;
  /** A short commit. */
  commit: string;
  by: string;
  /** Holds `source.tar` and `manifests.json`; taken away at the end. */
  directory: string;
};

type Context = { host: Host; emit: (event: Event) => void; stop: AbortSignal };

type Work = PushInput & { settings: Settings; app: string; of: AppSettings; manifests: Manifests };

/** Builds what was pushed and brings it live, as a deploy does. What is there already is not built again. */
export async function push(input: PushInput, context: Context): Promise<DeployResult> {
  const { host, emit } = context;
  try {
    const settings = await readKeptSettings(host);
    const of = appOf(settings, input.app);
    const text = await host.read(join(input.directory, 'manifests.json'));
    const work: Work = { ...input, settings, of, manifests: JSON.parse(text ?? '{}') as Manifests };
    requireManifests(work);
    await requireReady(host, of, (await readStores(host, of.name)).env);
    emit({ type: 'progress', text: `${of.name} ${input.commit} is deployed for ${input.by}` });
    const layer = await provideLayer(work, context);
    const slug = await makeSlug(work, layer, context);
    const runtime = ((await host.stat('/opt/berth/node'))?.target ?? '').replace(/^runtime\//, '');
    const made = { slug, layer, runtime, commit: input.commit, by: input.by, reason: 'git push' };
    return await bringLive(settings, of, made, context);
  } finally {
    await host.remove(input.directory);
  }
}

function requireManifests({ of, commit, manifests }: Work): void {
  const folder = of.path === '.' ? '' : `${of.path}/`;
  if (manifests['package.json'] === undefined) {
    throw new BerthError(
      'not_an_application',
      `apps.${of.name}: ${commit} has no ${folder}package.json`,
      `name the folder of the application with apps.${of.name}.path, and commit its package.json`,
    );
  }
  if (manifests['package-lock.json'] !== undefined) return;
  throw new BerthError(
    'lock_missing',
    `apps.${of.name}: ${commit} has no ${folder}package-lock.json`,
    'npm install makes it; commit it, so that every deploy installs the same',
  );
}

/** The dependencies, installed where no earlier deploy has brought the same. */
async function provideLayer(work: Work, context: Context): Promise<string> {
  const { host, emit } = context;
  const { of, manifests, directory } = work;
  const target: Target = { os: 'linux', cpu: host.arch as Target['cpu'], libc: 'glibc' };
  const layer = layerId(manifests, target);
  const path = layerPath(of.name, layer);
  if (await host.stat(path)) return layer;
  emit({ type: 'progress', text: 'installs the dependencies' });
  const output = join(directory, 'layer.tar');
  await build(host, { ...buildOf(work, context), what: 'layer', output });
  const partial = `${appRoot(of.name)}/layers/push.partial`;
  await takeOver(host, { app: of.name, archive: output, into: partial, stop: context.stop });
  await host.remove(output);
  await putInPlace(host, partial, path);
  return layer;
}

/** What git exports, with what the build script makes of it where there is one. */
async function makeSlug(work: Work, layer: string, context: Context): Promise<string> {
  const { host, emit } = context;
  const { of, manifests, directory } = work;
  const manifest = parseManifest(manifests['package.json'] ?? null);
  let archive = join(directory, 'source.tar');
  if (manifest.scripts.build) {
    emit({ type: 'progress', text: 'runs the build script' });
    archive = join(directory, 'built.tar');
    await build(host, { ...buildOf(work, context), what: 'source', output: archive });
  }
  const partial = `${appRoot(of.name)}/slugs/push.partial`;
  await takeOver(host, { app: of.name, archive, into: partial, stop: context.stop });
  try {
    processesOf(await host.read(join(partial, 'Procfile')), manifest);
    await requireNoModules(host, partial);
    await linkSlug(partial, { app: of.name, layer, shared: of.shared });
    const slug = slugId(await entriesOf(partial));
    await putInPlace(host, partial, slugPath(of.name, slug));
    return slug;
  } finally {
    await host.remove(partial);
  }
}

function buildOf({ settings, of, directory }: Work, { emit, stop }: Context) {
  return {
    app: of.name,
    settings,
    input: directory,
    onLine: atMost(maxLines, (text) => emit({ type: 'output', text })),
    stop,
  };
}

/** What a build says is kept with the run's events; one that never stops talking fills no disk. */
const maxLines = 5000;

function atMost(count: number, say: (text: string) => void): (text: string) => void {
  let said = 0;
  return (text) => {
    said += 1;
    if (said <= count) say(said === count ? 'what it says from here on is left out' : text);
  };
}

async function requireNoModules(host: Host, directory: string): Promise<void> {
  if (!(await host.stat(join(directory, 'node_modules')))) return;
  throw new BerthError(
    'slug_refused',
    'what was built is not taken over: node_modules is committed, and dependencies come from package-lock.json',
    'git rm -r --cached node_modules, name it in .gitignore, commit and push again',
  );
}

/** Renames what is whole to its final place, unless the same stands there. */
async function putInPlace(host: Host, partial: string, path: string): Promise<void> {
  if (await host.stat(path)) return host.remove(partial);
  await host.must(['sync', '--file-system', partial]);
  await host.must(['mv', '--no-target-directory', partial, path]);
}
