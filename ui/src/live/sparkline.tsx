import { memo } from "react";

import { STALL_MS } from "./live";

const BAR = 3;
const HEIGHT = 26;
export const SPARK_BARS = 40;
// The least full scale: a stream with even gaps of 10 ms must look even, not dramatic.
const LEAST_SCALE_MS = 120;

/** The times between the last chunks, a bar each, newest at the right; by the root, so that one
 * long gap does not press the others flat. */
export const Sparkline = memo(function Sparkline({ gaps }: { gaps: readonly number[] }) {
  const shown = gaps.slice(-SPARK_BARS);
  const scale = Math.max(LEAST_SCALE_MS, ...shown);
  const left = (SPARK_BARS - shown.length) * BAR;
  let even = "";
  let stalled = "";
  shown.forEach((gap, index) => {
    const height = Math.max(1.5, Math.sqrt(gap / scale) * (HEIGHT - 2));
    const bar = `M${left + index * BAR + 1} ${HEIGHT}v${(-height).toFixed(1)}`;
    if (gap > STALL_MS) stalled += bar;
    else even += bar;
  });
  return (
    <svg className="spark" width={SPARK_BARS * BAR} height={HEIGHT} aria-hidden="true">
      <path className="spark-base" d={`M0 ${HEIGHT - 0.5}H${SPARK_BARS * BAR}`} />
      <path className="spark-even" d={even} />
      <path className="spark-stalled" d={stalled} />
    </svg>
  );
});
