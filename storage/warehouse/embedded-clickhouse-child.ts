/**
 * The process that is the embedded ClickHouse: it loads the engine's shared library and runs its
 * command line, which blocks until standard input ends. The supervisor holds the other end of that
 * pipe, so the engine also ends when its parent is killed.
 *
 * It steps back where others want the processor: the warehouse may be seconds behind, lists may not. The
 * engine's threads are made after this and take the priority over.
 */
import { setPriority } from 'node:os';
import ffi from 'ffi-rs';

interface EngineOrder {
  readonly library: string;
  readonly commandLine: readonly string[];
}

const NICE = 5;
setPriority(NICE);

const { library, commandLine } = JSON.parse(process.argv[2]!) as EngineOrder;

ffi.open({ library: 'chdb', path: library });
ffi.load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: ffi.DataType.External,
  paramsType: [ffi.DataType.I32, ffi.DataType.StringArray],
  paramsValue: [commandLine.length, commandLine],
});
