/** A program of others that is given words and input, and run to its end. */
import { spawn } from 'node:child_process';

/** What it wrote; fails with what it complained of where it does not end well. */
export const programOutput = (
  name: string,
  command: readonly [program: string, ...words: string[]],
  input = '',
): Promise<string> => {
  const [program, ...words] = command;
  const child = spawn(program, words);
  let said = '';
  let complained = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complained += chunk.toString('utf8');
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${name} ended with ${code}:\n${complained}`));
    });
  });
};
