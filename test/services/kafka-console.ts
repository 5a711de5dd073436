/** The tools that come with Kafka, in Java: a client that knows nothing of ours. */
import { installKafka } from './kafka-installation.ts';
import { programOutput } from './program-output.ts';

/** What a producer is given line by line, key and value apart by a tab; the key's hash decides where. */
export const produceByConsole = (
  bootstrap: string,
  topic: string,
  { lines, compression }: { readonly lines: readonly string[]; readonly compression: string },
): Promise<string> =>
  runTool('org.apache.kafka.tools.ConsoleProducer', {
    words: [
      ...['--bootstrap-server', bootstrap, '--topic', topic],
      ...['--compression-codec', compression],
      ...['--property', 'parse.key=true'],
    ],
    input: lines.map((line) => `${line}\n`).join(''),
  });

/** So many records of a partition, as lines of key and value. */
export const consumeByConsole = async (
  bootstrap: string,
  topic: string,
  { partition, count }: { readonly partition: number; readonly count: number },
): Promise<readonly string[]> => {
  const said = await runTool('org.apache.kafka.tools.consumer.ConsoleConsumer', {
    words: [
      ...['--bootstrap-server', bootstrap, '--topic', topic],
      ...['--partition', `${partition}`, '--offset', 'earliest'],
      ...['--max-messages', `${count}`, '--timeout-ms', '60000'],
      ...['--property', 'print.key=true'],
    ],
  });
  return said.split('\n').filter((line) => line.includes('\t'));
};

/** The values of so many records of a topic, which begin with a zero byte, as lines of their bytes. */
export const consumeByteValues = async (
  bootstrap: string,
  topic: string,
  { count }: { readonly count: number },
): Promise<readonly string[]> => {
  const said = await runTool('org.apache.kafka.tools.consumer.ConsoleConsumer', {
    words: [
      ...['--bootstrap-server', bootstrap, '--topic', topic, '--from-beginning'],
      ...['--max-messages', `${count}`, '--timeout-ms', '60000'],
      ...['--property', `value.deserializer=${BYTES}`],
    ],
  });
  return said.split('\n').filter((line) => line.startsWith('\\x'));
};

const BYTES = 'org.apache.kafka.common.serialization.BytesDeserializer';

const runTool = (
  mainClass: string,
  { words, input = '' }: { readonly words: readonly string[]; readonly input?: string },
): Promise<string> => {
  const { classPath, loggingFile } = installKafka();
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m'];
  const logging = `-Dlog4j2.configurationFile=${loggingFile}`;
  const java = [...quick, logging, '-cp', classPath, mainClass, ...words];
  return programOutput(mainClass, ['java', ...java], input);
};
