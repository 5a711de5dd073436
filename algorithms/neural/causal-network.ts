/**
 * The network of the causal sequence model, as parameters and as tapes. Items become vectors (with
 * the vector of the event's calendar bucket added where times are known); each block adds causal
 * attention and then a two-layer network to its input, both behind a layer norm (pre-norm); the last
 * rows, normed, meet the same item vectors again, plus a bias an item. Order is known from a learned
 * bias for each head and distance, so where in a window an event stands does not matter.
 */
import {
  type Dense,
  denseParameters,
  type NetworkWriter,
  type Norm,
  normal,
  normParameters,
  Parameters,
  type Rows,
  zeros,
} from './layers.ts';

export interface CausalShape {
  readonly itemCount: number;
  readonly width: number;
  readonly length: number;
  readonly blocks: number;
  readonly heads: number;
  readonly buckets: number;
}

interface Block {
  readonly beforeAttention: Norm;
  readonly qkv: Dense;
  readonly distances: number;
  readonly out: Dense;
  readonly beforeHidden: Norm;
  readonly hidden: Dense;
  readonly down: Dense;
}

export interface CausalParameters {
  readonly parameters: Parameters;
  readonly items: number;
  readonly itemBias: number;
  readonly buckets: number | null;
  readonly blocks: readonly Block[];
  readonly last: Norm;
}

/** The hidden layer of a block, in widths. */
const WIDER = 4;

/** Rows of the item table, whole vectors of four; the rest is never a target. */
export const tableRows = (itemCount: number): number => Math.max(4, Math.ceil(itemCount / 4) * 4);

/** So that what pads the table takes no share of a softmax. */
const NEVER = -1e4;

const blockParameters = (parameters: Parameters, shape: CausalShape): Block => {
  const { width, length, heads, blocks } = shape;
  const gain = 1 / Math.sqrt(2 * blocks);
  return {
    beforeAttention: normParameters(parameters, width),
    qkv: denseParameters(parameters, { inputs: width, outputs: 3 * width }),
    distances: parameters.add(heads * length, zeros),
    out: denseParameters(parameters, { inputs: width, outputs: width, gain }),
    beforeHidden: normParameters(parameters, width),
    hidden: denseParameters(parameters, { inputs: width, outputs: WIDER * width }),
    down: denseParameters(parameters, { inputs: WIDER * width, outputs: width, gain }),
  };
};

/** A twentieth, so that first scores are near each other. */
const VECTOR_DEVIATION = 0.05;

export const causalParameters = (shape: CausalShape): CausalParameters => {
  const { itemCount, width, blocks, buckets } = shape;
  const parameters = new Parameters();
  const rows = tableRows(itemCount);
  return {
    parameters,
    items: parameters.add(rows * width, normal(VECTOR_DEVIATION)),
    itemBias: parameters.add(rows, (values) => values.fill(NEVER, itemCount)),
    buckets: buckets > 0 ? parameters.add(buckets * width, normal(VECTOR_DEVIATION)) : null,
    blocks: Array.from({ length: blocks }, () => blockParameters(parameters, shape)),
    last: normParameters(parameters, width),
  };
};

/** Ids of items and buckets, −1 where a window is shorter than its length. */
export interface WindowInputs {
  readonly items: number;
  readonly buckets: number;
}

const writeBlock = (writer: NetworkWriter, x: Rows, block: Block, shape: CausalShape): Rows => {
  const qkv = writer.dense(writer.norm(x, block.beforeAttention), block.qkv);
  const heads = writer.attention(qkv, block.distances, shape);
  const attended = writer.sum(x, writer.dropout(writer.dense(heads, block.out)));
  const hidden = writer.dense(writer.norm(attended, block.beforeHidden), block.hidden);
  const down = writer.dense(writer.activation(hidden, 'gelu'), block.down);
  return writer.sum(attended, writer.dropout(down));
};

/** Windows laid end to end; gives the normed last rows. */
export const writeCausalNetwork = (
  writer: NetworkWriter,
  network: CausalParameters,
  { shape, inputs, windows }: { shape: CausalShape; inputs: WindowInputs; windows: number },
): Rows => {
  const size = { count: windows * shape.length, width: shape.width };
  let x = writer.embedding(network.items, inputs.items, size);
  if (network.buckets !== null) {
    x = writer.sum(x, writer.embedding(network.buckets, inputs.buckets, size));
  }
  x = writer.dropout(x);
  for (const block of network.blocks) x = writeBlock(writer, x, block, shape);
  return writer.norm(x, network.last);
};
