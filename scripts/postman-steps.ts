/** A request of the collection, and what of it the document's example does not say. */
export type Step = {
  operation: string;
  /** Whether it is to succeed where it stands. */
  prepared: boolean;
  /** Of the path. */
  id?: string;
  /** JSON. */
  body?: string;
  /** What later steps need: a variable, and the member of the answer that it takes. */
  keeps?: Record<string, string>;
  /** JavaScript that runs first. */
  before?: string;
};

const OPENING: Omit<Step, 'prepared'>[] = [
  {
    operation: 'signUp',
    before: "pm.collectionVariables.set('email', pm.variables.replaceIn('{{$guid}}@example.org'));",
    body: '{"email": "{{email}}", "password": "{{password}}"}',
    keeps: { userId: 'id' },
  },
  {
    operation: 'signIn',
    body: '{"username": "{{email}}", "password": "{{password}}"}',
    keeps: { token: 'access_token', refreshToken: 'refresh_token' },
  },
  { operation: 'createPost', keeps: { postId: 'id' } },
  { operation: 'readPost', id: '{{postId}}' },
  { operation: 'listPosts' },
  { operation: 'vote', body: '{"post_id": {{postId}}, "dir": 1}' },
  { operation: 'changePost', id: '{{postId}}' },
  { operation: 'replacePost', id: '{{postId}}' },
  { operation: 'deletePost', id: '{{postId}}' },
  { operation: 'orderTask', body: '{"kind": "digest"}', keeps: { taskId: 'id' } },
  { operation: 'readTask', id: '{{taskId}}' },
  { operation: 'listTasks' },
  { operation: 'listDigests' },
  { operation: 'readUser', id: '{{userId}}' },
  { operation: 'readSelf' },
  { operation: 'changeSelf', body: '{"username": "{{$guid}}"}' },
  { operation: 'live' },
  { operation: 'ready' },
  { operation: 'readContract' },
];

const CLOSING: Omit<Step, 'prepared'>[] = [
  {
    operation: 'refresh',
    body: '{"refresh_token": "{{refreshToken}}"}',
    keeps: { token: 'access_token', refreshToken: 'refresh_token' },
  },
  { operation: 'signOut', body: '{"refresh_token": "{{refreshToken}}"}' },
  { operation: 'deleteSelf' },
];

/**
 * These operations in the order in which one leads to the next. One that is new and that no step prepares comes while
 * somebody is signed in.
 */
export function steps(operations: string[]): Step[] {
  const prepared = [OPENING, CLOSING].map((part) =>
    part
      .filter(({ operation }) => operations.includes(operation))
      .map((step) => ({ ...step, prepared: true })),
  );
  const known = prepared.flat().map(({ operation }) => operation);
  const others = operations.filter((operation) => !known.includes(operation));
  const [opening = [], closing = []] = prepared;
  return [...opening, ...others.map((operation) => ({ operation, prepared: false })), ...closing];
}
