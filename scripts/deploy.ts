import { join } from 'node:path';
import type { DeployResult } from '../provisioning/deploy.ts';
import type { Event } from '../provisioning/events.ts';
import type { Target } from '../provisioning/releases/identity.ts';
import type { AppSettings } from '../provisioning/settings.ts';
import type { Context } from './command.ts';
import type { MachineSide } from './machine-side.ts';
import { type Archive, buildSlug, type Slug, type SlugOptions } from './slug.ts';
import { type AppSource, type Source, sourceOfApp } from './source.ts';

export type Deployed = DeployResult & { app: string };
type Missing = { missing: string[] };
type Built = { app: string; slug: Slug };

/**
 * Builds the slugs of the chosen applications, then sends what the machine lacks of each and brings it live as the
 * application's next release. Nothing is changed before all are built; one that fails ends it, and those before it
 * stay live. `done` is told each as it is.
 */
export async function deploy(
  context: Context,
  side: MachineSide,
  source: Source,
  done: (deployed: Deployed) => void = () => {},
): Promise<void> {
  const { report, stateDirectory } = context;
  const { apps } = await context.settings();
  const sources = await appSources(context, source);
  const of = (name: string) => (sources.length === 1 ? '' : ` of ${name}`);
  const built: Built[] = [];
  for (const each of sources) {
    const slug = await report.step(`builds the slug${of(each.name)}`, async (onLine) => {
      const { cpu } = await side.ask<{ cpu: Target['cpu'] }>('ready', { app: apps[each.name] });
      const target: Target = { os: 'linux', cpu, libc: 'glibc' };
      return slugOnce({ cache: join(stateDirectory, 'cache'), target, source: each, onLine });
    });
    built.push({ app: each.name, slug });
  }
  for (const each of built) done(await bringLive(context, side, each, of(each.app)));
}

/** Each chosen application's folder of the source; throws where one is not committed or not there. */
export async function appSources(context: Context, source: Source): Promise<AppSource[]> {
  const { apps } = (await context.hostFile()).settings;
  const chosen = await context.apps();
  return Promise.all(chosen.map((name) => sourceOfApp(source, apps[name] as AppSettings)));
}

async function bringLive(
  { report, settings: settingsOf }: Context,
  side: MachineSide,
  { app, slug }: Built,
  of: string,
): Promise<Deployed> {
  const settings = await settingsOf();
  const uploads = {
    app,
    slug: slug.id,
    layer: slug.layer,
    sourceDigest: slug.source.digest,
    layerDigest: slug.dependencies.digest,
  };
  const { missing } = await side.ask<Missing>('missing', uploads);
  for (const archive of [slug.dependencies, slug.source].filter(({ digest }) => missing.includes(digest))) {
    await report.step(`sends ${nameOf(archive, slug.source)}${of}`, () => side.upload(app, archive));
  }
  const { runtime, by } = side;
  const onEvent = (event: Event) => report.event('deploy', event);
  const result = await report.step(`brings ${slug.commit}${of} live`, () =>
    side.change<DeployResult>('deploy', { ...uploads, settings, runtime, commit: slug.commit, by }, onEvent),
  );
  return { ...result, app };
}

const building = new Map<string, Promise<Slug>>();

/** The hosts of one command that have the same platform share one build. */
function slugOnce(options: SlugOptions): Promise<Slug> {
  const { onLine: _, ...inputs } = options;
  const key = JSON.stringify(inputs satisfies { source: AppSource; target: Target; cache: string });
  const slug = building.get(key) ?? buildSlug(options);
  building.set(key, slug);
  return slug;
}

function nameOf(archive: Archive, source: Archive): string {
  return archive === source ? 'the source' : 'the dependencies';
}
