import { join } from 'node:path';
import type { DeployResult } from '../provisioning/deploy.ts';
import type { Event } from '../provisioning/events.ts';
import type { Target } from '../provisioning/releases/identity.ts';
import type { Context } from './command.ts';
import type { MachineSide } from './machine-side.ts';
import { type Archive, buildSlug, type Slug, type Source } from './slug.ts';

type Missing = { missing: string[] };

/** Builds the slug, sends what the machine lacks of it, and brings it live as the next release. */
export async function deploy(
  context: Context,
  side: MachineSide,
  source: Source,
): Promise<DeployResult & { app: string }> {
  const { report } = context;
  const settings = await context.settings();
  const app = await context.app();
  const slug = await report.step('builds the slug', async () => {
    const { cpu } = await side.ask<{ cpu: Target['cpu'] }>('machine', null);
    return slugOnce(context, source, { os: 'linux', cpu, libc: 'glibc' });
  });
  const uploads = {
    app,
    slug: slug.id,
    layer: slug.layer,
    sourceDigest: slug.source.digest,
    layerDigest: slug.dependencies.digest,
  };
  const { missing } = await side.ask<Missing>('missing', uploads);
  for (const archive of [slug.dependencies, slug.source].filter(({ digest }) => missing.includes(digest))) {
    await report.step(`sends ${nameOf(archive, slug.source)}`, () => side.upload(app, archive));
  }
  const { runtime, by } = side;
  const onEvent = (event: Event) => report.event('deploy', event);
  const result = await report.step(`brings ${slug.commit} live`, () =>
    side.change<DeployResult>('deploy', { ...uploads, settings, runtime, commit: slug.commit, by }, onEvent),
  );
  return { ...result, app };
}

const building = new Map<string, Promise<Slug>>();

/** The hosts of one command that have the same platform share one build. */
function slugOnce({ root, stateDirectory }: Context, source: Source, target: Target): Promise<Slug> {
  const inputs = { root, cache: join(stateDirectory, 'cache'), target, source };
  const key = JSON.stringify(inputs);
  const slug = building.get(key) ?? buildSlug(inputs);
  building.set(key, slug);
  return slug;
}

function nameOf(archive: Archive, source: Archive): string {
  return archive === source ? 'the source' : 'the dependencies';
}
