import { directory, file, link } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import type { Settings } from '../settings.ts';
import { render } from '../template.ts';
import { guardDirectory, undoAtBoot, undoService, undoTimer } from './batch.ts';

export const undoUnits = [undoService, undoAtBoot, undoTimer];

/** What takes an unconfirmed change back; a boot starts it too. */
export function undo({ confirmWithinMs }: Settings): Resource[] {
  const units = '/etc/systemd/system';
  const atBoot = `${units}/sysinit.target.wants`;
  return [
    directory({ path: guardDirectory, mode: 0o700 }),
    file({ path: `${guardDirectory}/undo.sh`, content: render('provisioning/guard/undo.sh'), mode: 0o700 }),
    ...[undoService, undoAtBoot].map((unit) =>
      file({ path: `${units}/${unit}`, content: render(`systemd/${unit}`) }),
    ),
    file({
      path: `${units}/${undoTimer}`,
      content: render(`systemd/${undoTimer}`, { seconds: confirmWithinMs / 1000 }),
    }),
    directory({ path: atBoot }),
    link(`${atBoot}/${undoAtBoot}`, `${units}/${undoAtBoot}`),
  ];
}
