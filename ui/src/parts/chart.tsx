import { useEffect, useRef } from "react";
import uPlot from "uplot";

import { useScheme } from "./use-scheme";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

export interface Line {
  label: string;
  /** A colour token: `--stream`. */
  color: string;
  values: readonly (number | null)[];
  isFilled?: boolean;
}

interface Props {
  title: string;
  /** Seconds since 1970, one per value. */
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number | null) => string;
  /** A part of the time axis was drawn over, in seconds. */
  onSelect?: (from: number, to: number) => void;
}

const HEIGHT = 170;

/** Values over time. Drawing over a part of it asks for that part. */
export function Chart({ title, times, lines, format, onSelect }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const select = useRef(onSelect);
  // A canvas keeps the colours in which it was drawn.
  const scheme = useScheme();
  useEffect(() => {
    select.current = onSelect;
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
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, size: 38, gap: 4 },
          { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: color(line.color),
            width: 1.5,
            ...(line.isFilled ? { fill: `color-mix(in srgb, ${color(line.color)} 18%, transparent)` } : {}),
            points: { show: times.length < 150, size: 4 },
          })),
        ],
        hooks: {
          setSelect: [
            (self) => {
              if (self.select.width < 6) return;
              const [from, to] = [self.select.left, self.select.left + self.select.width];
              select.current?.(self.posToVal(from, "x"), self.posToVal(to, "x"));
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      [[...times], ...lines.map((line) => [...line.values])] as uPlot.AlignedData,
      place,
    );
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT });
    });
    observer.observe(place);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, lines, format, scheme]);

  return (
    <figure className="panel chart" aria-label={`${title}. ${wordsOf(lines, format)}`}>
      <figcaption>
        <span className="chart-title">{title}</span>
        <span className="legend">
          {lines.map((line) => (
            <span key={line.label} className="chart-key">
              <Swatch color={line.color} />
              {line.label}
              <b>{format(line.values.findLast((value) => value !== null) ?? null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} className="chart-box" aria-hidden="true" />
    </figure>
  );
}

function Swatch({ color }: { color: string }) {
  return (
    <svg width="10" height="10" aria-hidden="true">
      <rect width="10" height="10" rx="3" style={{ fill: `var(${color})` }} />
    </svg>
  );
}

/** The chart in words: each line's last and highest value. */
function wordsOf(lines: readonly Line[], format: Props["format"]): string {
  return lines
    .map(({ label, values }) => {
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
