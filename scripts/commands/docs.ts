import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BerthError, messageOf } from '../../provisioning/errors.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { OpenApi } from '../postman.ts';
import { runChecked } from '../process.ts';

export const command: Command = {
  arguments: [['<form>', 'openapi or postman']],
  options: [['-o, --output <file>', 'write it there instead of to standard output']],
  examples: [
    ['berth docs openapi', "the API's contract of this checkout, as a machine has it at /api/openapi.json"],
    ['berth docs postman -o .berth/collection.json', 'the same as a Postman collection, which Newman runs'],
  ],
  async run(context, { args: [form = ''], options: { output } }) {
    const document = await made(context, form);
    if (typeof output === 'string') await write(context, output, document);
    else context.report.print(`${JSON.stringify(document, null, 2)}\n`);
    context.report.data({ type: 'docs', form, ...(output ? { path: output } : { document }) });
    return EXIT.done;
  },
};

async function made({ root, signal }: Context, form: string): Promise<object> {
  if (form !== 'openapi' && form !== 'postman')
    throw new BerthError(
      'wrong_usage',
      `berth docs knows no ${JSON.stringify(form)}`,
      'write openapi or postman',
    );
  // Its own program prints it, so that what is documented is what this checkout would run, with no machine at hand.
  const argv = [process.execPath, join(root, 'api/openapi/print.ts')];
  const document: OpenApi = JSON.parse((await runChecked(argv, { signal })).stdout);
  if (form === 'openapi') return document;
  const { collectionOf } = await import('../postman.ts');
  return collectionOf(document);
}

async function write({ io, report }: Context, output: string, document: object): Promise<void> {
  const path = resolve(io.cwd, output);
  try {
    await writeFile(path, `${JSON.stringify(document, null, 2)}\n`);
  } catch (error) {
    throw new BerthError(
      'wrong_usage',
      `--output ${output}: ${messageOf(error)}`,
      'name a file that can be written',
    );
  }
  report.print(`wrote ${path}\n`);
}
