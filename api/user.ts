import Joi from 'joi';

/** What everyone may see of a user: of oneself, of others, of a post's owner. */
export const userShape = Joi.object({
  id: Joi.number().integer().required(),
  username: Joi.string().required(),
  created_at: Joi.date().iso().required(),
});

/** Presents a user, and nothing else that the row may hold. */
export function presentUser({
  id,
  username,
  created_at,
}: {
  id: number;
  username: string;
  created_at: Date;
}) {
  return { id, username, created_at };
}
