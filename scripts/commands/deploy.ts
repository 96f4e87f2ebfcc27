import { BerthError } from '../../provisioning/errors.ts';
import type { Command, Context } from '../command.ts';
import { deploy } from '../deploy.ts';
import { onEachHost } from '../fleet.ts';
import { openMachineSide } from '../machine-side.ts';
import { chooseSource, type Source, type SourceOptions } from '../source.ts';

export const command: Command = {
  options: [
    ['--ref <commit>', 'deploy this commit, tag or branch, not the last commit'],
    ['--dirty', 'deploy the working tree as it is, not the last commit'],
  ],
  examples: [
    ['berth deploy', 'bring the last commit live, of every application that it changes'],
    ['berth deploy --app shop', 'of this one alone'],
    ['berth deploy --ref v1.4.0', 'bring that tag live, whatever the working tree looks like'],
    ['berth deploy --dirty', 'the last commit with what is not committed yet'],
    ['berth deploy -H a,b', 'build once, then bring it live on both machines side by side'],
    ['berth deploy --all', 'on every machine of provisioning/hosts'],
  ],
  async run(context, { options }) {
    const ref = typeof options.ref === 'string' ? options.ref : undefined;
    const source = await chooseSource(context.root, wanted({ ref, dirty: options.dirty === true }));
    return onEachHost(context, context.hosts, (each) => bringLive(each, source));
  },
};

function wanted(options: SourceOptions): SourceOptions {
  if (!options.dirty || options.ref === undefined) return options;
  throw new BerthError(
    'wrong_usage',
    '--ref names a commit and --dirty the working tree, and only one of them can be deployed',
    'leave one of them out',
  );
}

async function bringLive(context: Context, source: Source): Promise<void> {
  const { report } = context;
  await deploy(context, await openMachineSide(context), source, ({ app, release, changed }) => {
    report.data({ type: 'release', app, release: `v${release}`, changed });
    report.print(
      changed ? `${app} v${release} is live\n` : `${app} v${release} is live already, nothing to do\n`,
    );
  });
}
