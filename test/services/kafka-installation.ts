/**
 * The real broker's program: its jars by Maven, once, into the user's cache directory. Java and Maven
 * come from the system's packages where they are missing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const KAFKA_VERSION = '4.3.1';
const LOGGING_VERSION = '2.25.4';

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'freshet-services');

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>freshet</groupId>
  <artifactId>broker-under-test</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>${KAFKA_VERSION}</version>
      <exclusions>
        <exclusion>
          <groupId>*</groupId>
          <artifactId>*</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${LOGGING_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`;

export interface KafkaInstallation {
  /** The class path of everything. */
  readonly classPath: string;
  readonly loggingFile: string;
}

export const installKafka = (): KafkaInstallation => {
  const directory = join(CACHE, `kafka-${KAFKA_VERSION}-with-tools`);
  if (!existsSync(directory)) fetchInto(directory);
  return {
    classPath: join(directory, 'lib', '*'),
    loggingFile: join(directory, 'log4j2.properties'),
  };
};

/** Whole or not at all: a directory of its own that is renamed once everything is in it. */
const fetchInto = (directory: string): void => {
  mkdirSync(CACHE, { recursive: true });
  installJava();
  const unfinished = mkdtempSync(join(CACHE, 'unfinished-'));
  writeFileSync(join(unfinished, 'pom.xml'), POM);
  writeFileSync(join(unfinished, 'log4j2.properties'), LOGGING);
  const goal = ['dependency:copy-dependencies', '-DoutputDirectory=lib'];
  execFileSync('mvn', ['-q', '-B', ...goal], { cwd: unfinished, stdio: 'inherit' });
  if (existsSync(directory)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, directory);
};

const installJava = (): void => {
  const missing = [
    ...(isThere('java') ? [] : ['default-jre-headless']),
    ...(isThere('mvn') ? [] : ['maven']),
  ];
  if (missing.length === 0) return;
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  execFileSync('apt-get', ['install', '-y', '-qq', ...missing], { stdio: 'inherit' });
};

const isThere = (program: string): boolean => {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
