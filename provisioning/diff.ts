import type { Host } from './host.ts';

/** A unified diff, by diffutils, from the file as it is (null: there is none) to `after`; empty where they agree. */
export async function unifiedDiff(
  host: Host,
  path: string,
  before: string | null,
  after: string,
): Promise<string> {
  const labels = [`--label=${before === null ? '/dev/null' : path}`, `--label=${path}`];
  const argv = ['diff', '--unified', ...labels, '--', before === null ? '/dev/null' : path, '-'];
  return (await host.run(argv, { input: after })).stdout;
}
