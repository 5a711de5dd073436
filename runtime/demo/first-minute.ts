export const beginFirstMinute = async (_a: unknown, _b: unknown) => ({ stop: async () => {} });
