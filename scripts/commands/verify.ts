import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BerthError, messageOf } from '../../provisioning/errors.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost } from '../fleet.ts';
import { junit, type Suite } from '../junit.ts';
import { painter } from '../terminal.ts';
import { chosenChecks, verify } from '../verify.ts';
import { countsOf, verifiedText } from '../verify-text.ts';

export const command: Command = {
  options: [
    ['--only <checks>', 'these checks or findings alone, separated by commas, e.g. sshd,ports.open'],
    ['--all-ports', 'try all 65,535 TCP ports from outside, not only the well-known'],
    ['--junit <file>', 'write what was found as JUnit XML too'],
  ],
  examples: [
    ['berth verify', 'look at the machine from inside and outside; exit 1 if anything fails'],
    ['berth verify --only sshd,ssh,firewall', 'these checks alone'],
    ['berth verify --all --junit verify.xml', 'every machine, for a CI system to read'],
    ['berth verify --json', 'one finding a line: id, status, evidence, fix, reference'],
  ],
  async run(context, { options }) {
    const { only, junit: file, allPorts } = options;
    const chosen = { only: chosenChecks(only as string | undefined), allPorts: allPorts === true };
    const suites: Suite[] = [];
    const code = await onEachHost(context, context.hosts, async (each) => {
      const { flags, report, io } = each;
      const verified = await report.step(`looks at ${flags.host} from inside and outside`, () =>
        verify(each, chosen),
      );
      const { findings, seconds } = verified;
      suites.push({ host: flags.host, findings, seconds, at: new Date() });
      for (const finding of findings) report.data({ type: 'finding', ...finding });
      const counts = countsOf(findings);
      report.data({ type: 'verified', ...counts, seconds });
      report.print(
        verifiedText(verified, painter(io.stdout, io.env), io.stdout.isTTY ? io.stdout.columns : 160),
      );
      return counts.fail === 0 ? EXIT.done : EXIT.failed;
    });
    if (typeof file === 'string') await write(context, file, junit(suites));
    return code;
  },
};

async function write({ io }: Context, file: string, xml: string): Promise<void> {
  await writeFile(resolve(io.cwd, file), xml).catch((cause: unknown) => {
    throw new BerthError(
      'report_unwritten',
      `the report could not be written to ${file}: ${messageOf(cause)}`,
      'name another file with --junit',
      { cause },
    );
  });
}
