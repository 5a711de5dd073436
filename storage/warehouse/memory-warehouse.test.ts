import { CONTRACT_TABLES, EVENTS } from './contract-tables.fixture.ts';
import { MemoryWarehouse } from './memory-warehouse.ts';
import { warehouseContract } from './warehouse.contract.ts';

warehouseContract({
  name: 'MemoryWarehouse',
  create: async () => {
    const memory = new MemoryWarehouse({ tables: CONTRACT_TABLES });
    return {
      open: async () => memory.another(),
      lose: async () => memory.reset(),
      events: async (topic) =>
        memory
          .rows(EVENTS.name)
          .filter((row) => row.topic === topic)
          .sort((one, other) => Number(one.offset) - Number(other.offset)),
      remove: () => memory.close(),
    };
  },
  lacksSql: 'memory knows no SQL',
});
