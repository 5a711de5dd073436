// Asks the instance of this container whether it answers: exit code 0 where it does. For container
// engines that probe by running a command; the address comes from the same variables as the
// instance's own.
const { FRESHET_PORT = '8090', FRESHET_BASE_PATH = '' } = process.env;
const LIMIT_MS = 4_000;

const isAlive = await fetch(`http://127.0.0.1:${FRESHET_PORT}${FRESHET_BASE_PATH}/health/live`, {
  signal: AbortSignal.timeout(LIMIT_MS),
}).then(
  ({ ok }) => ok,
  () => false,
);
process.exitCode = isAlive ? 0 : 1;
