import Joi from 'joi';
import { defineKind } from '../../../api/tasks/kind.ts';

/** Each end of it leaves a row in a table that takes any number of the same: doubled effects are counted by it. */
export const kind = defineKind<{ n: number }, { n: number }>({
  name: 'effect',
  description: 'leaves a row',
  payload: Joi.object<{ n: number }>({ n: Joi.number().integer().required() }),
  run:
    async ({ id, payload: { n } }) =>
    async (transaction) => {
      await transaction('effects').insert({ task_id: id, n });
      return { n };
    },
});
