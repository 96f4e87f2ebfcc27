import { enableCompileCache } from 'node:module';

// Whatever a session has: the machine's logins have a stricter one, under which others could not read what is for them.
process.umask(0o022);
// Only what is loaded after this line is cached, hence the dynamic import.
enableCompileCache('/var/cache/berth');
const { main } = await import('./session.ts');
process.exitCode = await main();
