import { artifactStoreContract } from './artifact-store.contract.ts';
import { MemoryArtifactStore } from './memory-artifact-store.ts';

artifactStoreContract({
  name: 'MemoryArtifactStore',
  create: async () => {
    const store = new MemoryArtifactStore();
    return {
      store,
      reopen: async () => store,
      damage: async (version, file) => store.damage(version, file),
      remove: () => store.close(),
    };
  },
  lacksReopen: 'memory ends with its process',
});
