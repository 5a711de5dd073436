/**
 * Compiles the kernels: each file of `algorithms/kernels/assembly/` by itself, once with relaxed
 * SIMD and once without, into a TypeScript file of `algorithms/kernels/compiled/` that holds both
 * as base64, so that loading them touches no file. The same source gives the same bytes.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const KERNELS = join(import.meta.dirname, '../../algorithms/kernels');
const ASSEMBLY = join(KERNELS, 'assembly');

export const kernelNames = (): string[] =>
  readdirSync(ASSEMBLY)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort();

export const compiledPath = (name: string): string => join(KERNELS, 'compiled', `${name}.ts`);

/** 65,536 pages are the 4 GiB that a 32-bit address reaches; memory is taken as it is needed. */
const FLAGS = [
  ...['--outFile', 'out.wasm', '--optimizeLevel', '3', '--shrinkLevel', '0', '--converge'],
  ...['--noAssert', '--runtime', 'stub', '--use', 'abort=', '--importMemory', '--sharedMemory'],
  ...[
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--enable',
    'simd',
    '--enable',
    'threads',
  ],
];

const compile = async (name: string, flags: readonly string[]): Promise<string> => {
  let binary: string | Uint8Array = '';
  const { error, stderr } = await asc.main(
    [`${name}.ts`, '--baseDir', ASSEMBLY, ...FLAGS, ...flags],
    {
      writeFile(_file: string, content: string | Uint8Array) {
        binary = content;
      },
    },
  );
  if (error) throw new Error(`Expected ${name} to compile, got ${stderr.toString()}`);
  return Buffer.from(binary).toString('base64');
};

/** The text of the file that the product imports. */
export const compileKernel = async (name: string): Promise<string> => {
  const relaxed = await compile(name, ['--enable', 'relaxed-simd']);
  const plain = await compile(name, []);
  return (
    `// Made from assembly/${name}.ts by \`npm run build:kernels\`; change that file instead.\n` +
    `export const relaxed =\n  '${relaxed}';\n\nexport const plain =\n  '${plain}';\n`
  );
};
