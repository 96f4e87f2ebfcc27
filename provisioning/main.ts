import { main } from './session.ts';

// Whatever a session has: the machine's logins have a stricter one, under which others could not read what is for them.
process.umask(0o022);
process.exitCode = await main();
