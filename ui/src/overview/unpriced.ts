/** What a sum of costs leaves out, and why: most of it has no price by its nature. */
import type { Bucket, Outcome } from "../api/types";
import { count } from "../format";
import { TONES, type Tone } from "../parts/outcome";

const REASONS: readonly [tones: readonly Tone[], words: string][] = [
  [["good"], "completed"],
  [["bad"], "failed"],
  [["warn", "quiet"], "ended early"],
  [["live"], "running"],
];

/** *buckets*: of `/api/v1/stats`, by outcome. "10 not priced: 7 failed, 3 running". */
export function unpriced(buckets: readonly Bucket[]): string {
  const counted = REASONS.map(([tones, words]) => {
    const of = buckets.filter(({ group }) => tones.includes(TONES[group as Outcome]));
    return { words, sum: of.reduce((sum, bucket) => sum + bucket.cost_unknown, 0) };
  }).filter(({ sum }) => sum > 0);
  if (counted.length === 0) return "of all";
  const whole = counted.reduce((all, { sum }) => all + sum, 0);
  return `${count(whole)} not priced: ${counted.map(({ sum, words }) => `${count(sum)} ${words}`).join(", ")}`;
}
