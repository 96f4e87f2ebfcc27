import Joi from 'joi';
import { defineKind } from '../../../api/tasks/kind.ts';

/** What the way of a task costs, and nothing else. */
export const kind = defineKind<object, object>({
  name: 'empty',
  description: 'nothing',
  payload: Joi.object<object>({}),
  run: async () => () => ({}),
});
