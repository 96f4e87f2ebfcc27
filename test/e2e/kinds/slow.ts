import { setTimeout as wait } from 'node:timers/promises';
import Joi from 'joi';
import { defineKind } from '../../../api/tasks/kind.ts';

const STEP_MS = 250;

/** Takes as long as it is told to, says how far it is, and leaves a row at its end. */
export const kind = defineKind<{ seconds: number }, { run: number }>({
  name: 'slow',
  description: 'takes its time',
  payload: Joi.object<{ seconds: number }>({ seconds: Joi.number().required() }),
  concurrency: 4,
  async run({ id, run, payload: { seconds }, signal, progress }) {
    const steps = (seconds * 1000) / STEP_MS;
    for (let step = 0; step < steps; step += 1) {
      progress(Math.floor((step * 100) / steps));
      await wait(STEP_MS, undefined, { signal });
    }
    return async (transaction) => {
      await transaction('effects').insert({ task_id: id, n: 0 });
      return { run };
    };
  },
});
