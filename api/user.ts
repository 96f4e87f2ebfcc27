import Joi from 'joi';

/** The user of the document's examples. */
export const ADA = { id: 7, username: 'ada', created_at: '2026-11-21T09:47:18.608Z' };

/** What everyone may see of a user: of oneself, of others, of a post's owner. */
export const userShape = Joi.object({
  id: Joi.number().integer().required(),
  username: Joi.string().required(),
  created_at: Joi.date().iso().required(),
})
  .meta({ title: 'User' })
  .example(ADA);

/** Presents a user, and nothing else that the row may hold. */
export function presentUser({
  id,
  username,
  created_at,
}: {
  id: number;
  username: string;
  created_at: string;
}) {
  return { id, username, created_at };
}
