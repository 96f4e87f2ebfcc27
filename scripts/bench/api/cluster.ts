import cluster from 'node:cluster';

/** `node cluster.ts [flags of node] <program>`: two processes of it behind one address, as pm2 runs them. */
const [program = '', ...flags] = process.argv.slice(2).reverse();
const PROCESSES = 2;

cluster.setupPrimary({ exec: program, args: [], execArgv: flags });
for (let started = 0; started < PROCESSES; started += 1) cluster.fork();
cluster.on('exit', () => process.exit(1));
process.once('SIGTERM', () => process.exit(0));
