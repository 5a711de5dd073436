/** The process's environment variables: the one file that reads them. */
export const environment = (): Readonly<Record<string, string | undefined>> => process.env;
