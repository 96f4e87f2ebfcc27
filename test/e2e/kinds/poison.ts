import Joi from 'joi';
import { defineKind } from '../../../api/tasks/kind.ts';

/** Takes its process along. */
export const kind = defineKind<object, object>({
  name: 'poison',
  description: 'ends the process that does it',
  payload: Joi.object<object>({}),
  attempts: 2,
  run() {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },
});
