/** `npm run build:kernels` compiles every kernel; `-- NAME` those named. */
import { writeFileSync } from 'node:fs';
import { compiledPath, compileKernel, kernelNames } from './kernel-compiler.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !kernelNames().includes(name));
if (unknown.length > 0) {
  throw new Error(`Expected kernels from ${kernelNames().join(', ')}, got ${unknown.join(', ')}.`);
}
for (const name of wanted.length > 0 ? wanted : kernelNames()) {
  const text = await compileKernel(name);
  writeFileSync(compiledPath(name), text);
  console.log(`${name.padEnd(16)} ${text.length} characters`);
}
