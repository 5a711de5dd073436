#!/usr/bin/env node
// The `freshet` command: hands over to the command line in TypeScript, on the Node.js 24 that the
// package brings along where the system's is older. What Node makes of the sources is kept between
// starts, for every thread: without that a good part of a start is stripping types again.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const main = join(root, 'runtime', 'main.ts');

if (!existsSync(join(root, 'node_modules'))) {
  console.error('Expected the packages of Freshet beside it, got none; run npm install first.');
  process.exit(1);
}
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'freshet');

if (Number.parseInt(process.versions.node, 10) >= 24) {
  module.enableCompileCache();
  await import(main);
} else {
  const own = join(root, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(own)) {
    console.error(
      `Expected Node.js 24 or newer, got ${process.versions.node}; run npm install first.`,
    );
    process.exit(1);
  }
  const child = spawn(own, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
}
