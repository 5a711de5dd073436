/** The real broker's program: its jars by Maven, once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchedOnce, runMaven } from './maven-programs.ts';

const KAFKA_VERSION = '4.3.1';
const LOGGING_VERSION = '2.25.4';

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
  const directory = fetchedOnce(`kafka-${KAFKA_VERSION}-with-tools`, (unfinished) => {
    writeFileSync(join(unfinished, 'pom.xml'), POM);
    writeFileSync(join(unfinished, 'log4j2.properties'), LOGGING);
    runMaven(['dependency:copy-dependencies', '-DoutputDirectory=lib'], unfinished);
  });
  return {
    classPath: join(directory, 'lib', '*'),
    loggingFile: join(directory, 'log4j2.properties'),
  };
};
