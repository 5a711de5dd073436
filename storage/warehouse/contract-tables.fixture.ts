/** The tables that the warehouse's contract writes: one of the usual shape, one of every type. */
import type { WarehouseTable } from '../../schemas/tables.ts';

const POSITION = [
  { name: 'topic', type: 'LowCardinality(String)' },
  { name: 'partition', type: 'UInt32' },
  { name: 'offset', type: 'UInt64' },
];

const ORDER = ['topic', 'partition', 'offset'];

export const EVENTS: WarehouseTable = {
  name: 'contract_events',
  comment: "Made by the warehouse's contract.",
  columns: [...POSITION, { name: 'item', type: 'String' }, { name: 'weight', type: 'Float64' }],
  orderBy: ORDER,
  partitionBy: null,
};

export const CELLS: WarehouseTable = {
  name: 'contract_cells',
  comment: 'A column of every type.',
  columns: [
    ...POSITION,
    { name: 'text', type: 'String' },
    { name: 'word', type: 'LowCardinality(Nullable(String))' },
    { name: 'flag', type: 'Bool' },
    { name: 'int8', type: 'Int8' },
    { name: 'int16', type: 'Int16' },
    { name: 'int32', type: 'Int32' },
    { name: 'int64', type: 'Int64' },
    { name: 'uint8', type: 'UInt8' },
    { name: 'uint16', type: 'UInt16' },
    { name: 'uint64', type: 'UInt64' },
    { name: 'int128', type: 'Int128' },
    { name: 'uint256', type: 'UInt256' },
    { name: 'float32', type: 'Float32' },
    { name: 'float64', type: 'Nullable(Float64)' },
    { name: 'decimal9', type: 'Decimal(9, 2)' },
    { name: 'decimal38', type: 'Decimal(38, 10)' },
    { name: 'day', type: 'Date' },
    { name: 'farDay', type: 'Date32' },
    { name: 'second', type: "DateTime('UTC')" },
    { name: 'milli', type: "DateTime64(3, 'UTC')" },
    { name: 'micro', type: "DateTime64(6, 'UTC')" },
    { name: 'maybe', type: "Nullable(DateTime64(3, 'UTC'))" },
    { name: 'uuid', type: 'UUID' },
    { name: 'fixed', type: 'FixedString(4)' },
    { name: 'choice', type: "Enum8('it\\'s' = -3, 'b' = 7)" },
    { name: 'list', type: 'Array(Nullable(Int64))' },
    { name: 'nested', type: 'Array(Array(String))' },
    { name: 'pair', type: 'Tuple(String, UInt64)' },
    { name: 'map', type: 'Map(LowCardinality(String), Float64)' },
  ],
  orderBy: ORDER,
  partitionBy: null,
};

export const CONTRACT_TABLES: readonly WarehouseTable[] = [EVENTS, CELLS];
