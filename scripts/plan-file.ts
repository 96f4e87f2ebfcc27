import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import Joi from 'joi';
import { BerthError, messageOf } from '../provisioning/errors.ts';
import type { SealedPlan } from '../provisioning/sealed-plan.ts';
import type { Context } from './command.ts';
import { writeAtomic } from './machines/atomic.ts';

const digest = Joi.string().hex().length(64).required();
const name = Joi.string().max(300).required();
const maxBytes = 4 * 1024 ** 2;

const schema = Joi.object<SealedPlan>({
  format: Joi.valid(1).required(),
  host: name,
  by: name,
  at: Joi.string().isoDate().required(),
  hostKeys: Joi.array()
    .items(Joi.string().pattern(/^SHA256:[\w+/]{43}$/))
    .required(),
  code: name,
  runtime: name,
  settings: Joi.object().pattern(/^/, digest).required(),
  resources: Joi.array()
    .items(Joi.object({ id: name, action: Joi.valid('add', 'change', 'remove').required(), digest }))
    .required(),
  seal: digest,
});

/** Writes a plan for its owner alone; a file that is there is replaced. */
export function writePlan({ io }: Context, path: string, plan: SealedPlan): void {
  try {
    writeAtomic(resolve(io.cwd, path), `${JSON.stringify(plan, null, 2)}\n`, 0o600);
  } catch (error) {
    throw new BerthError(
      'wrong_usage',
      `--out ${path}: ${messageOf(error)}`,
      'name a file that can be written',
    );
  }
}

/** @throws BerthError `plan_invalid` for what is no plan, or one of another machine or of another format */
export async function readPlan({ io, flags }: Context, path: string): Promise<SealedPlan> {
  const plan = parse(path, await read(path, resolve(io.cwd, path)));
  const { format } = Object(plan) as { format?: unknown };
  if (typeof format === 'number' && format !== 1)
    throw invalid(path, `is of format ${format}, this Berth reads format 1`);
  const { value, error } = schema.validate(plan, { convert: false });
  if (error) throw invalid(path, `is no plan: ${error.message}`);
  if (value.host === flags.host) return value;
  throw invalid(path, `is of the machine ${value.host}, not of ${flags.host}`);
}

async function read(path: string, absolute: string): Promise<string> {
  try {
    const file = await open(absolute);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1));
      if (bytesRead > maxBytes) throw new Error('it has more than 4 MiB');
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw invalid(path, `cannot be read: ${messageOf(error)}`);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(path, 'is no plan: it was cut short, or is no JSON');
  }
}

function invalid(path: string, how: string): BerthError {
  return new BerthError('plan_invalid', `${path} ${how}`, `make it anew: berth plan --out ${path}`);
}
