const WIDTH = 84;

interface Props {
  waitMs: number | null;
  durationMs: number | null;
  stalls: number;
  longest: number;
}

/**
 * An exchange at a glance, drawn to the scale of the longest on show: pale while it waited for
 * content, full while it streamed, red where it stalled. The numbers stand in the columns.
 */
export function Shape({ waitMs, durationMs, stalls, longest }: Props) {
  if (durationMs === null) return null;
  const scale = (ms: number) => (WIDTH * Math.min(ms, longest)) / longest;
  const whole = Math.max(2, scale(durationMs));
  const wait = waitMs === null ? whole : Math.min(scale(waitMs), whole);
  return (
    <svg className="shape" width={WIDTH} height="6" aria-hidden="true">
      <rect className="shape-wait" width={whole} height="6" rx="1.5" />
      <rect
        className={stalls > 0 ? "shape-stalled" : "shape-stream"}
        x={wait}
        width={Math.max(0, whole - wait)}
        height="6"
        rx="1.5"
      />
    </svg>
  );
}
