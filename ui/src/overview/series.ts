/** Buckets as even steps of time: the API leaves out those without records. */
import type { Bucket } from "../api/types";

type Measured = { [K in keyof Bucket]: Bucket[K] extends number | null ? K : never }[keyof Bucket];

export interface Series {
  /** Seconds since 1970, one per step. */
  times: number[];
  values: (name: Measured) => (number | null)[];
}

// In a step without records these are known, and nothing else is.
const NOTHING: Partial<Record<Measured, number>> = { count: 0, errors: 0, cost_usd: 0 };

// More steps than a chart has pixels are of no use; then the buckets stand alone.
const MOST_STEPS = 2000;

export function seriesOf(buckets: readonly Bucket[], bucketS: number | null): Series {
  const known = new Map(buckets.map((bucket) => [Date.parse(bucket.time ?? "") / 1000, bucket]));
  const given = [...known.keys()];
  const begin = Math.min(...given);
  const steps = bucketS ? Math.round((Math.max(...given) - begin) / bucketS) + 1 : Infinity;
  const times =
    bucketS === null || steps > MOST_STEPS
      ? given
      : Array.from({ length: steps }, (_, step) => begin + step * bucketS);
  return {
    times,
    values: (name) => times.map((time) => (known.get(time) ?? NOTHING)[name] ?? null),
  };
}

/** Whether the last step was not over at *askedAtS*: it says less than the others. */
export function isGrowing({ times, bucketS, askedAtS }: {
  times: readonly number[];
  bucketS: number | null;
  askedAtS: number;
}): boolean {
  return bucketS !== null && (times.at(-1) ?? -Infinity) + bucketS > askedAtS;
}
