/**
 * Lanes of f32 or f64 in a 128-bit vector, written once for both. `fma` is one rounding in the
 * relaxed build (on machines that have it) and two in the plain one, which is the whole difference
 * between the builds.
 */

/** How many numbers of T fit a vector. */
@inline
export function lanes<T>(): i32 {
  return 16 / sizeof<T>();
}

@inline
export function fma<T>(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(x, y, sum);
  return v128.add<T>(sum, v128.mul<T>(x, y));
}

/** sum − x·y. */
@inline
export function fms<T>(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_nmadd<T>(x, y, sum);
  return v128.sub<T>(sum, v128.mul<T>(x, y));
}

/** The sum of a vector's lanes, always in the same order. */
@inline
export function sumOf<T>(x: v128): T {
  if (sizeof<T>() == 8) return <T>(f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1));
  return <T>(
    (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 2) +
      (f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 3)))
  );
}
