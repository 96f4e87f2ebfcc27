import { BerthError, messageOf } from '../../provisioning/errors.ts';
import type { WebhookView } from '../../provisioning/notify.ts';
import type { Command, Context, Input } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readHidden } from '../hidden.ts';
import { type MachineSide, openMachineSide } from '../machine-side.ts';
import { webhookUrl } from '../settings/names.ts';

type Word = 'status' | 'set' | 'unset' | 'test';

export const command: Command = {
  arguments: [['[action]', 'status (default), set, unset or test']],
  examples: [
    ['berth notify', 'whether there is a webhook, and where its URL is kept'],
    ['berth notify set < url.txt', 'keep a URL that holds a token on the machine alone'],
    ['berth notify test', 'post a message now'],
  ],
  async run(context, input) {
    const word = wordOf(input);
    // Asked before the machine is: what is wrong with it is known here.
    const url = word === 'set' ? await readUrl(context) : null;
    const side = await openMachineSide(context);
    if (word === 'test') await postTest(context, side);
    else if (word === 'status') show(context, await side.ask<WebhookView>('webhook', null));
    else show(context, await side.change<WebhookView>('setWebhook', { url }, () => {}));
    return EXIT.done;
  },
};

async function postTest({ report }: Context, side: MachineSide): Promise<void> {
  const { host } = await report.step('posts a test message', () =>
    side.ask<{ host: string }>('testWebhook', { by: side.by }, (event) => report.event('notify', event)),
  );
  report.data({ type: 'notify', host, posted: true });
  report.print(`${host} took the message\n`);
}

function show({ report }: Context, { kept, host }: WebhookView): void {
  report.data({ type: 'notify', kept, host });
  report.print(kept === null ? 'no webhook\n' : `posts to ${host}, its URL is kept by the ${kept}\n`);
}

/** From a prompt, a pipe or a file, never from the command line, which every user of this computer can read. */
async function readUrl(context: Context): Promise<string> {
  const name = "the webhook's URL";
  const { [name]: given = '' } = await readHidden(context, [name]);
  try {
    return webhookUrl(given.trim());
  } catch (error) {
    throw new BerthError(
      'wrong_usage',
      `${name} ${messageOf(error)}`,
      'give the whole URL: berth notify set < file',
    );
  }
}

function wordOf({ args: [word = 'status'] }: Input): Word {
  if (['status', 'set', 'unset', 'test'].includes(word)) return word as Word;
  throw new BerthError(
    'wrong_usage',
    `berth notify knows no ${JSON.stringify(word)}`,
    'write status, set, unset or test',
  );
}
