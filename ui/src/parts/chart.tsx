import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";

import { clock } from "../format";
import { loneOf } from "./points";
import { spanOf } from "./span";
import { TICK_STEPS_S, timeTicks } from "./ticks";
import { useScheme } from "./use-scheme";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

export interface Line {
  label: string;
  /** A colour token: `--stream`. */
  color: string;
  values: readonly (number | null)[];
  isFilled?: boolean;
  /** What it is over the whole time, where that says more than the last value. */
  total?: number | null;
}

interface Props {
  title: string;
  /** Seconds since 1970, one per value. */
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number | null) => string;
  /** A part of the time axis was drawn over, in seconds. */
  onSelect?: (from: number, to: number) => void;
  /** It was clicked twice: the whole is wanted again. */
  onReset?: () => void;
  /** Columns on top of each other, each as many seconds wide. */
  columnS?: number;
  /** The last step is not over yet: the way to it is dashed. */
  isGrowing?: boolean;
  height?: number;
}

const HEIGHT = 170;
// Of more than so many values the line says more, but for those that no line goes to.
const MOST_POINTS = 40;

/** Values over time. Drawing over a part of it asks for that part. */
export function Chart(props: Props) {
  const { title, times, lines, format, onSelect, onReset, columnS, height = HEIGHT } = props;
  const isGrowing = (props.isGrowing ?? false) && times.length > 1;
  const box = useRef<HTMLDivElement>(null);
  // The step under the pointer, whose values stand above.
  const [at, setAt] = useState<number | null>(null);
  const asked = useRef({ onSelect, onReset });
  const drawn = useRef<uPlot | null>(null);
  const given = useRef({ times, lines, isGrowing });
  // Other values of the same lines leave the drawing as it is, with what the pointer does on it.
  const shape = JSON.stringify(lines.map(({ label, color, isFilled }) => [label, color, isFilled]));
  // A canvas keeps the colours in which it was drawn.
  const scheme = useScheme();
  useEffect(() => {
    asked.current = { onSelect, onReset };
    given.current = { times, lines, isGrowing };
  });

  useEffect(() => {
    const place = box.current;
    if (place === null) return undefined;
    const style = getComputedStyle(place);
    const color = (token: string) => resolve(place, token) || style.color;
    const muted = color("--muted");
    const grid = { stroke: color("--line"), width: 1 };
    const axis = { stroke: muted, grid, ticks: { show: false }, font: `11px ${style.fontFamily}` };
    const plot = new uPlot(
      {
        width: Math.max(200, place.clientWidth),
        height,
        ...(columnS === undefined ? {} : { padding: [8, null, null, null] as uPlot.Padding }),
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        scales: {
          x: { range: (self, first, last) => spanOf(self.data[0].length, first, last, columnS) },
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          {
            ...axis,
            size: 41,
            gap: 7,
            space: 62,
            incrs: TICK_STEPS_S,
            values: (_, moments, __, ___, stepS) => timeTicks(moments, stepS),
          },
          { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        series: [
          {},
          ...given.current.lines.map((line) => ({
            label: line.label,
            stroke: color(line.color),
            ...(columnS === undefined
              ? {
                  width: 1.5,
                  ...(line.isFilled
                    ? { fill: `color-mix(in srgb, ${color(line.color)} 18%, transparent)` }
                    : {}),
                  points: { ...pointsIn(color(line.color)), show: (self: uPlot) => self.data[0].length < MOST_POINTS },
                }
              : {
                  width: 0,
                  fill: color(line.color),
                  paths: COLUMNS,
                  points: { show: false },
                }),
          })),
          ...(columnS === undefined ? given.current.lines : []).map((line) => ({
            stroke: color(line.color),
            width: 1.5,
            dash: DASH,
            points: { ...pointsIn(color(line.color)), show: () => false },
          })),
        ],
        hooks: {
          setCursor: [(self) => setAt(self.cursor.idx ?? null)],
          setSelect: [
            (self) => {
              if (self.select.width < 6) return;
              const [from, to] = [self.select.left, self.select.left + self.select.width];
              asked.current.onSelect?.(self.posToVal(from, "x"), self.posToVal(to, "x"));
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      valuesOf(given.current, columnS !== undefined),
      place,
    );
    drawn.current = plot;
    const reset = () => asked.current.onReset?.();
    plot.over.addEventListener("dblclick", reset);
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(200, place.clientWidth), height });
    });
    observer.observe(place);
    return () => {
      observer.disconnect();
      plot.destroy();
      drawn.current = null;
    };
  }, [shape, format, scheme, columnS, height]);

  useEffect(() => {
    drawn.current?.setData(valuesOf({ times, lines, isGrowing }, columnS !== undefined));
  }, [times, lines, isGrowing, columnS]);

  const moment = at === null ? undefined : times[at];
  return (
    <figure className="panel chart" aria-label={`${title}. ${wordsOf(lines, format)}`}>
      <figcaption>
        <span className="chart-title">{title}</span>
        <span className="legend">
          {moment !== undefined && (
            <time className="chart-key">{clock(new Date(moment * 1000).toISOString())}</time>
          )}
          {lines.map((line) => (
            <span key={line.label} className="chart-key">
              <Swatch color={line.color} />
              {line.label}
              <b>{format(moment === undefined ? wholeOf(line) : (line.values[at ?? 0] ?? null))}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} className="chart-box" aria-hidden="true" />
    </figure>
  );
}

type Values = (number | null)[];

const COLUMNS = uPlot.paths.bars?.({ size: [0.9, 120], align: 1 }) ?? (() => null);

/** Points of one colour; where they are not shown, a value without neighbours is one all the same. */
function pointsIn(fill: string) {
  return {
    size: 5,
    fill,
    filter: (self: uPlot, line: number, isShown: boolean) => (isShown ? null : loneOf(self.data[line] ?? [])),
  };
}

// Of the line to a step that is not over yet.
const DASH = [3, 4];

type Given = Pick<Props, "times" | "lines" | "isGrowing">;

function valuesOf({ times, lines, isGrowing }: Given, isStacked: boolean): uPlot.AlignedData {
  if (isStacked) return [[...times], ...stacked(lines)];
  const over = times.length - (isGrowing ? 1 : 0);
  const part = (keep: (at: number) => boolean) =>
    lines.map(({ values }) => values.map((value, at) => (keep(at) ? value : null)));
  // What is over, then the dashed ends.
  return [[...times], ...part((at) => at < over), ...part((at) => isGrowing === true && at >= over - 1)];
}

/** Each line stands on those that come after it, which are drawn over it. */
function stacked(lines: readonly Line[]): Values[] {
  const sums: Values[] = [];
  for (const line of lines.toReversed()) {
    const below = sums[0];
    sums.unshift(line.values.map((value, at) => (value ?? 0) + (below?.[at] ?? 0)));
  }
  return sums;
}

function Swatch({ color }: { color: string }) {
  return (
    <svg width="10" height="10" aria-hidden="true">
      <rect width="10" height="10" rx="3" style={{ fill: `var(${color})` }} />
    </svg>
  );
}

function wholeOf({ values, total }: Line): number | null {
  return total === undefined ? (values.findLast((value) => value !== null) ?? null) : total;
}

/** The chart in words: what each line adds up to, or how high it goes. */
function wordsOf(lines: readonly Line[], format: Props["format"]): string {
  return lines
    .map(({ label, values, total }) => {
      if (total !== undefined) return `${label}: ${format(total)}`;
      const known = values.filter((value) => value !== null);
      return `${label}: at most ${format(known.length > 0 ? Math.max(...known) : null)}`;
    })
    .join(", ");
}

/** The colour behind a token, as a canvas understands it, in the theme of the moment. */
function resolve(place: HTMLElement, token: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
