import { enableCompileCache } from 'node:module';

// Only what is loaded after this line is cached, hence the dynamic import.
enableCompileCache('/var/cache/berth');
const { main } = await import('./session.ts');
process.exitCode = await main();
