import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";

import type { Chunk } from "../api/types";
import { bytes, count, duration, exactMs } from "../format";
import {
  barsOf,
  flagsOf,
  gapsOf,
  marksOf,
  nearest,
  phasesOf,
  tickLabel,
  ticksOf,
  volumeOf,
  type Gap,
  type Range,
  type Timed,
  type Times,
} from "./scale";

const SIDE = 8; // so that the first and the last pole are not cut
const LANE = 19;
const BAND = 8;
const BARS = 84;
const AXIS = 26;
const LEAST_BAR = 5; // a chunk of one byte is seen, too

interface Props {
  record: Timed;
  chunks: readonly Chunk[];
  /** The part of the time axis that is shown. */
  range: Range;
  /** How long the stream itself is; the axis may be longer. */
  streamMs: number;
  /** Where a player is, if one is at work. */
  headMs?: number | null | undefined;
  /** What the chunk of a moment said, where that is known. */
  saidAt?: ((ms: number) => string) | undefined;
  /** Somebody looks at single chunks. */
  onRead?: (() => void) | undefined;
  /** What was drawn over with the pointer. */
  onSelect?: ((range: Range) => void) | undefined;
}

// A pointer that moves less than this was meant to stand still.
const LEAST_DRAG = 6;

/** The drawing. Hover, or focus and arrow keys, read out single chunks. */
export function Plot(props: Props) {
  const { record, chunks, range, streamMs, headMs = null, saidAt, onRead, onSelect } = props;
  const { fromMs, toMs: endMs } = range;
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const [isReading, setReading] = useState(false);
  const [drag, setDrag] = useState<Range | null>(null);
  const x = useMemo(() => {
    const perMs = Math.max(1, width - 2 * SIDE) / (endMs - fromMs);
    return (ms: number) => SIDE + (ms - fromMs) * perMs;
  }, [fromMs, endMs, width]);

  const shown = useMemo(
    () => chunks.filter(([ms]) => ms >= fromMs && ms <= endMs),
    [chunks, fromMs, endMs],
  );
  const flags = useMemo(() => {
    const marks = marksOf(record).filter((mark) => mark.ms >= fromMs && mark.ms <= endMs);
    return flagsOf(marks, x, width);
  }, [record, fromMs, endMs, x, width]);
  const gaps = gapsOf(chunks, record.duration_ms)
    .filter((gap) => gap.fromMs < endMs && gap.toMs > fromMs)
    .map((gap) => ({ fromMs: Math.max(gap.fromMs, fromMs), toMs: Math.min(gap.toMs, endMs) }));
  const lanes = 1 + Math.max(0, ...flags.map((flag) => flag.lane));
  const top = lanes * LANE + 8;
  const base = top + BAND + 6 + BARS;
  const height = base + AXIS;

  const index = at === null ? -1 : Math.min(at, shown.length - 1);
  const chunk = shown[index];
  const readout = chunk && readoutOf(shown, index);
  const said = (chunk && saidAt?.(chunk[0])) ?? "";

  const msOf = (event: PointerEvent<HTMLDivElement>) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    const share = (event.clientX - left - SIDE) / Math.max(1, width - 2 * SIDE);
    return fromMs + Math.min(1, Math.max(0, share)) * (endMs - fromMs);
  };
  const point = (event: PointerEvent<HTMLDivElement>) => {
    const ms = msOf(event);
    setAt(nearest(shown, ms));
    if (drag !== null) setDrag({ ...drag, toMs: ms });
  };
  const grasp = (event: PointerEvent<HTMLDivElement>) => {
    if (onSelect === undefined || event.pointerType !== "mouse" || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ fromMs: msOf(event), toMs: msOf(event) });
  };
  const release = () => {
    if (drag === null) return;
    setDrag(null);
    const [first, last] = [Math.min(drag.fromMs, drag.toMs), Math.max(drag.fromMs, drag.toMs)];
    if (x(last) - x(first) >= LEAST_DRAG) onSelect?.({ fromMs: first, toMs: last });
  };
  const press = (event: KeyboardEvent) => {
    const to = KEYS[event.key]?.(Math.max(0, index), shown.length);
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(shown.length - 1, to)));
  };

  return (
    <div className="plot">
      <div
        ref={box}
        className="plot-box"
        role="slider"
        tabIndex={shown.length > 0 ? 0 : -1}
        aria-label="Chunk"
        aria-valuemin={shown.length > 0 ? 1 : 0}
        aria-valuemax={shown.length}
        aria-valuenow={Math.max(shown.length > 0 ? 1 : 0, index + 1)}
        aria-valuetext={readout === undefined ? "none" : said === "" ? readout : `${readout}: ${said}`}
        onPointerMove={point}
        onPointerDown={grasp}
        onPointerEnter={onRead}
        onPointerUp={release}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => isReading || setAt(null)}
        onKeyDown={press}
        onFocus={() => {
          setReading(true);
          onRead?.();
          setAt((known) => known ?? 0);
        }}
        onBlur={() => {
          setReading(false);
          setAt(null);
        }}
      >
        {width > 0 && (
          <svg width={width} height={height} className="plot-svg" aria-hidden="true">
            <Bands record={record} streamMs={streamMs} range={range} x={x} y={top} />
            <Bars chunks={shown} x={x} base={base} />
            <Gaps gaps={gaps} x={x} top={top + BAND} base={base} />
            <Axis range={range} width={width} x={x} base={base} />
            {flags.map((flag) => (
              <g key={flag.label} className="flag" data-mark={flag.label}>
                <path d={`M${flag.x} ${flag.lane * LANE + 3}V${base}`} />
                <text
                  x={flag.x + (flag.side === "right" ? 5 : -5)}
                  y={flag.lane * LANE + 14}
                  textAnchor={flag.side === "right" ? "start" : "end"}
                >
                  {flag.label} <tspan>{duration(flag.ms)}</tspan>
                </text>
              </g>
            ))}
            <GapWords gaps={gaps} x={x} y={base - BARS / 2 + 4} />
            {headMs !== null && headMs >= fromMs && headMs <= endMs && (
              <path className="playhead" d={`M${x(headMs).toFixed(1)} ${top - 4}V${base + 6}`} />
            )}
            {drag && (
              <rect
                className="drag"
                x={Math.min(x(drag.fromMs), x(drag.toMs))}
                y={top}
                width={Math.abs(x(drag.toMs) - x(drag.fromMs))}
                height={base - top}
              />
            )}
            {chunk && (
              <g className="cursor">
                <path d={`M${x(chunk[0])} ${top}V${base + 5}`} />
                <circle cx={x(chunk[0])} cy={base} r="3.5" />
              </g>
            )}
          </svg>
        )}
      </div>
      <p className="readout" aria-hidden="true">
        {readout ?? idleHint(shown.length, record.chunks)}
        {said !== "" && <q>{said}</q>}
      </p>
    </div>
  );
}

type Step = (index: number, length: number) => number;

const KEYS: Record<string, Step> = {
  ArrowRight: (index) => index + 1,
  ArrowUp: (index) => index + 1,
  ArrowLeft: (index) => index - 1,
  ArrowDown: (index) => index - 1,
  PageDown: (index, length) => index + Math.ceil(length / 10),
  PageUp: (index, length) => index - Math.ceil(length / 10),
  Home: () => 0,
  End: (_, length) => length - 1,
};

function readoutOf(chunks: readonly Chunk[], index: number): string | undefined {
  const chunk = chunks[index];
  if (chunk === undefined) return undefined;
  const before = chunks[index - 1];
  const gap = before ? `, ${exactMs(chunk[0] - before[0])} after the one before` : "";
  return `Chunk ${count(index + 1)} of ${count(chunks.length)} at ${exactMs(chunk[0])}: ${bytes(chunk[1])}${gap}`;
}

function idleHint(timed: number, arrived: number): string {
  if (arrived === 0) return "No chunk arrived.";
  if (timed === 0) return `Nobody told when ${arrived === 1 ? "its chunk" : "its chunks"} came.`;
  return "Point at the timeline, or focus it and use the arrow keys, to read single chunks.";
}

type X = (ms: number) => number;

function Gaps({ gaps, x, top, base }: { gaps: Gap[]; x: X; top: number; base: number }) {
  return gaps.map((gap) => (
    <rect
      key={gap.fromMs}
      className="gap"
      data-gap={Math.round(gap.toMs - gap.fromMs)}
      x={x(gap.fromMs)}
      y={top}
      width={x(gap.toMs) - x(gap.fromMs)}
      height={base - top}
    />
  ));
}

const LEAST_WORDS = 44; // pixels that "9.3 s" needs

function GapWords({ gaps, x, y }: { gaps: Gap[]; x: X; y: number }) {
  return gaps
    .filter((gap) => x(gap.toMs) - x(gap.fromMs) > LEAST_WORDS)
    .map((gap) => (
      <text key={gap.fromMs} className="gap-words" x={x((gap.fromMs + gap.toMs) / 2)} y={y}>
        {duration(gap.toMs - gap.fromMs)}
      </text>
    ));
}

function Bands({
  record,
  streamMs,
  range,
  x,
  y,
}: {
  record: Times;
  streamMs: number;
  range: Range;
  x: X;
  y: number;
}) {
  return phasesOf(record, streamMs)
    .filter((phase) => phase.fromMs < range.toMs && phase.toMs > range.fromMs)
    .map((phase) => {
      const left = x(Math.max(phase.fromMs, range.fromMs));
      const right = x(Math.min(phase.toMs, range.toMs));
      return (
        <rect
          key={phase.kind}
          className={`band is-${phase.kind}`}
          x={left}
          y={y}
          width={Math.max(1, right - left)}
          height={BAND}
        />
      );
    });
}

function Bars({ chunks, x, base }: { chunks: readonly Chunk[]; x: X; base: number }) {
  const { bars, area } = useMemo(() => {
    const all = barsOf(chunks, x);
    const most = Math.max(1, ...all.map((bar) => bar.bytes));
    // By the root: one large chunk must not press the small ones flat.
    const tall = (size: number) => LEAST_BAR + (BARS - LEAST_BAR) * Math.sqrt(size / most);
    const volume = volumeOf(chunks, x);
    const steps = volume.map(([at, share]) => `H${at}V${(base - share * BARS).toFixed(1)}`);
    const [first] = volume;
    return {
      bars: all.map((bar) => `M${bar.x} ${base}v${(-tall(bar.bytes)).toFixed(1)}`).join(""),
      area: first ? `M${first[0]} ${base}${steps.join("")}V${base}Z` : "",
    };
  }, [chunks, x, base]);
  return (
    <>
      <path className="volume" d={area} />
      <path className="bars" d={bars} />
    </>
  );
}

function Axis({ range, width, x, base }: { range: Range; width: number; x: X; base: number }) {
  const { fromMs, toMs: endMs } = range;
  return (
    <g className="axis">
      <path d={`M0 ${base + 0.5}H${width}`} />
      {ticksOf(endMs, width, 90, fromMs).map((ms) => {
        const words = tickLabel(ms, endMs);
        const isLast = x(ms) + words.length * 3.5 > width;
        return (
          <g key={ms}>
            <path d={`M${x(ms)} ${base}v4`} />
            <text
              x={ms === 0 ? 0 : isLast ? width : x(ms)}
              y={base + 18}
              textAnchor={ms === 0 ? "start" : isLast ? "end" : "middle"}
            >
              {words}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** A box and its width, as it changes. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (box.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
