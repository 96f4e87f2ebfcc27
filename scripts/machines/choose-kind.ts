import { BerthError } from '../../provisioning/errors.ts';
import type { Context } from '../command.ts';
import type { AutoKind } from '../settings.ts';
import { kindHere } from './kind-here.ts';
import { vagrantIsUsable } from './vagrant-usable.ts';

/**
 * What `machine.kind: auto` stands for: the machine that there is, else what `--machine` wants, else Vagrant where it is
 * usable. Undefined where the hosts file says a kind itself. Throws BerthError `wrong_usage` where `--machine` is another.
 */
export async function chooseKind(
  context: Pick<Context, 'hostFile' | 'flags' | 'stateDirectory'>,
  wanted: string | true | undefined,
  isUsable: () => Promise<boolean> = vagrantIsUsable,
): Promise<AutoKind | undefined> {
  const { auto, machine, path } = await context.hostFile();
  const { host } = context.flags;
  if (wanted !== undefined && !isAutoKind(wanted))
    throw new BerthError(
      'wrong_usage',
      `--machine ${wanted} is no kind that up makes`,
      'say vagrant or container',
    );
  const here = auto ? kindHere(context.stateDirectory, host) : machine.kind;
  if (here === undefined) return wanted ?? ((await isUsable()) ? 'vagrant' : 'container');
  if (wanted === undefined || wanted === here) return isAutoKind(here) ? here : undefined;
  throw auto
    ? new BerthError(
        'wrong_usage',
        `the machine ${host} is there already, of kind ${here}`,
        `leave --machine out, or take it away first: berth destroy --host ${host}`,
      )
    : new BerthError(
        'wrong_usage',
        `${path} says machine.kind: ${here}, and --machine says ${wanted}`,
        'leave --machine out, or say machine.kind: auto in that file',
      );
}

function isAutoKind(kind: string | true): kind is AutoKind {
  return kind === 'vagrant' || kind === 'container';
}
