/** The beta distribution's tail, for asking how likely it is that a rate lies above a bound. */

/** Lanczos' approximation, good to ten digits for x > 0. */
const LANCZOS = [
  76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155,
  0.1208650973866179e-2, -0.5395239384953e-5,
];

const logGamma = (x: number): number => {
  const shifted = x + 5.5;
  let series = 1.000000000190015;
  LANCZOS.forEach((coefficient, k) => {
    series += coefficient / (x + 1 + k);
  });
  return Math.log((2.5066282746310007 * series) / x) - shifted + (x + 0.5) * Math.log(shifted);
};

/** Lentz's continued fraction for the incomplete beta integral. */
const continuedFraction = (x: number, a: number, b: number): number => {
  const TINY = 1e-300;
  const guard = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    const factor = d * c;
    fraction *= factor;
    if (Math.abs(factor - 1) < 1e-12) break;
  }
  return fraction;
};

/** P(rate ≤ x) under Beta(a, b). */
export const betaBelow = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const scale = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  // The fraction converges fast on this side of the mean; the other side follows by symmetry.
  return x < (a + 1) / (a + b + 2)
    ? (scale * continuedFraction(x, a, b)) / a
    : 1 - (scale * continuedFraction(1 - x, b, a)) / b;
};
