/** Records by outcome over time, as a few bands to draw on top of each other. */
import type { Bucket, Outcome } from "../api/types";
import { TONES, type Tone } from "../parts/outcome";
import { seriesOf } from "../overview/series";

interface BandOf {
  label: string;
  color: string;
  tones: readonly Tone[];
}

// Twelve outcomes are too many colours: what asks for a look stands out, the rest is quiet. What
// is open has not ended; how many those are stands beside the title, as of this moment.
const BANDS: readonly BandOf[] = [
  { label: "failed", color: "--gap", tones: ["bad"] },
  { label: "ended early", color: "--reason", tones: ["quiet", "warn"] },
  { label: "completed", color: "--stream", tones: ["good"] },
];

export interface Bands {
  /** Seconds since 1970, one per step. */
  times: number[];
  bands: { label: string; color: string; values: number[]; total: number }[];
}

/** *buckets*: of `/api/v1/stats`, by outcome. Bands without any record are left out. */
export function bandsOf(buckets: readonly Bucket[], bucketS: number | null): Bands {
  const sums = new Map<string, Bucket>();
  const byTone = new Map<Tone, Map<number, number>>();
  for (const bucket of buckets) {
    const time = bucket.time ?? "";
    sums.set(time, bucket);
    const tone = TONES[bucket.group as Outcome];
    const counts = byTone.get(tone) ?? new Map<number, number>();
    const at = Date.parse(time) / 1000;
    counts.set(at, (counts.get(at) ?? 0) + bucket.count);
    byTone.set(tone, counts);
  }
  const { times } = seriesOf([...sums.values()].sort(byTime), bucketS);
  const bands = BANDS.map(({ label, color, tones }) => {
    const values = times.map((time) =>
      tones.reduce((sum, tone) => sum + (byTone.get(tone)?.get(time) ?? 0), 0),
    );
    return { label, color, values, total: values.reduce((sum, value) => sum + value, 0) };
  });
  return { times, bands: bands.filter((band) => band.total > 0) };
}

function byTime(a: Bucket, b: Bucket): number {
  return Date.parse(a.time ?? "") - Date.parse(b.time ?? "");
}
