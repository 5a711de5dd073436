/** The network of NeuMF as parameters and as a tape: what training, scoring and fold-in share. */
import { denseParameters, type NetworkWriter, normal, Parameters, type Rows } from './layers.ts';

export interface NeuMfShape {
  readonly userCount: number;
  readonly itemCount: number;
  readonly width: number;
}

/** Rows are whole vectors of four, so four outputs learn the same label. */
export const OUTPUTS = 4;
const VECTOR_DEVIATION = 0.05;

export const neuMfParameters = ({ userCount, itemCount, width }: NeuMfShape) => {
  const parameters = new Parameters();
  const vectors = (count: number): number =>
    parameters.add(Math.max(count, 1) * width, normal(VECTOR_DEVIATION));
  const dense = (inputs: number, outputs: number) =>
    denseParameters(parameters, { inputs, outputs, gain: Math.SQRT2 });
  return {
    itemFactors: vectors(itemCount),
    itemVectors: vectors(itemCount),
    fromUser: dense(width, 2 * width),
    fromItem: dense(width, 2 * width),
    hidden: dense(2 * width, width),
    fromFactors: dense(width, OUTPUTS),
    fromHidden: dense(width, OUTPUTS),
    // People last, so that what all of them share lies at the same places for any number of them.
    userFactors: vectors(userCount),
    userVectors: vectors(userCount),
    parameters,
  };
};

export type NeuMfParameters = ReturnType<typeof neuMfParameters>;

export interface PairInputs {
  readonly users: number;
  readonly items: number;
}

export const writeNeuMf = (
  writer: NetworkWriter,
  network: NeuMfParameters,
  { inputs, count, width }: { inputs: PairInputs; count: number; width: number },
): Rows => {
  const size = { count, width };
  const factors = writer.product(
    writer.embedding(network.userFactors, inputs.users, size),
    writer.embedding(network.itemFactors, inputs.items, size),
  );
  const fromUser = writer.dense(
    writer.embedding(network.userVectors, inputs.users, size),
    network.fromUser,
  );
  const fromItem = writer.dense(
    writer.embedding(network.itemVectors, inputs.items, size),
    network.fromItem,
  );
  const first = writer.activation(writer.sum(fromUser, fromItem), 'relu');
  const second = writer.activation(writer.dense(first, network.hidden), 'relu');
  return writer.sum(
    writer.dense(factors, network.fromFactors),
    writer.dense(second, network.fromHidden),
  );
};
