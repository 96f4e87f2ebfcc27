// Loaded by Node before every process of an application (`node --import`).
//
// pm2 listens for unhandled rejections and does nothing more, which takes Node's own answer, to end the process,
// away: one that failed while its modules load would stay for ever and serve nothing. An application that handles
// them itself is left alone.
process.on('unhandledRejection', function end(reason) {
  const others = process
    .listeners('unhandledRejection')
    .filter((each) => each !== end && each.name !== 'uncaughtListener');
  if (others.length === 0) throw reason;
});
