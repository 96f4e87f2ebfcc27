import { join } from 'node:path';
import type { DeployResult } from '../provisioning/deploy.ts';
import type { Event } from '../provisioning/events.ts';
import type { Context } from './command.ts';
import type { MachineSide } from './machine-side.ts';
import { type Archive, buildSlug } from './slug.ts';

export type DeployOptions = { dirty: boolean };
type Missing = { missing: string[] };

/** Builds the slug, sends what the machine lacks of it, and brings it live as the next release. */
export async function deploy(
  context: Context,
  side: MachineSide,
  { dirty }: DeployOptions,
): Promise<DeployResult & { app: string }> {
  const { report, root, stateDirectory } = context;
  const settings = await context.settings();
  const app = await context.app();
  const slug = await report.step('builds the slug', async () => {
    const { cpu } = await side.ask<{ cpu: 'x64' | 'arm64' }>('machine', null);
    return buildSlug({
      root,
      cache: join(stateDirectory, 'cache'),
      target: { os: 'linux', cpu, libc: 'glibc' },
      dirty,
    });
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

function nameOf(archive: Archive, source: Archive): string {
  return archive === source ? 'the source' : 'the dependencies';
}
