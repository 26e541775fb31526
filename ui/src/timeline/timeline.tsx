import { useId, useMemo, useState, type ReactNode } from "react";

import type { Chunk } from "../api/types";
import { Plot } from "./plot";
import { endOf, phasesOf, zoomed, type Range, type Timed } from "./scale";
import { summaryOf } from "./summary";
import "./timeline.css";

// Room after the first content, when the view ends there.
const START_FACTOR = 1.15;
const STEP = 2;

interface Props {
  record: Timed;
  chunks: readonly Chunk[];
  title?: string;
  /** Draw at least up to here, so that two timelines can have one scale. */
  leastMs?: number;
  headMs?: number | null;
  /** What the chunk of a moment said, asked for once somebody reads single chunks. */
  saidAt?: (ms: number) => string;
  onRead?: () => void;
  /** The player, beneath the drawing. */
  children?: ReactNode;
}

/** The stream on a time axis: marks as flags, phases as a band, each chunk as a bar. */
export function Timeline(props: Props) {
  const { record, chunks, title = "Timeline", leastMs = 0, headMs, saidAt, onRead, children } = props;
  const [chosen, setChosen] = useState<Range | null>(null);
  const titleId = useId();
  const summaryId = useId();
  const streamMs = endOf(record, chunks);
  const wholeMs = Math.max(leastMs, streamMs);
  const range = chosen ?? { fromMs: 0, toMs: wholeMs };
  const startMs = (record.ttft_ms ?? record.first_byte_ms ?? 0) * START_FACTOR;
  const canZoom = startMs > 0 && startMs < wholeMs * 0.6;
  const isStart = chosen?.fromMs === 0 && chosen.toMs === startMs;
  const kinds = useMemo(() => phasesOf(record, streamMs), [record, streamMs]);

  const zoom = (factor: number) => {
    const isHeadSeen = headMs != null && headMs >= range.fromMs && headMs <= range.toMs;
    const centre = isHeadSeen ? headMs : (range.fromMs + range.toMs) / 2;
    const next = zoomed(range, factor, centre, wholeMs);
    setChosen(next.toMs - next.fromMs >= wholeMs ? null : next);
  };

  return (
    <section className="panel timeline" aria-labelledby={titleId} aria-describedby={summaryId}>
      <div className="timeline-head">
        <h2 id={titleId}>{title}</h2>
        <ul className="legend">
          {kinds.map(({ kind, label }) => (
            <li key={kind}>
              <span className={`swatch is-${kind}`} aria-hidden="true" />
              {label}
            </li>
          ))}
        </ul>
        <div className="timeline-tools">
          {canZoom && (
            <button
              type="button"
              className="button is-small"
              aria-pressed={isStart}
              onClick={() => setChosen(isStart ? null : { fromMs: 0, toMs: startMs })}
            >
              Zoom to first content
            </button>
          )}
          {chosen !== null && (
            <button type="button" className="button is-small" onClick={() => setChosen(null)}>
              Whole
            </button>
          )}
          <button
            type="button"
            className="button is-small"
            aria-label="Zoom out"
            disabled={chosen === null}
            onClick={() => zoom(STEP)}
          >
            −
          </button>
          <button
            type="button"
            className="button is-small"
            aria-label="Zoom in"
            onClick={() => zoom(1 / STEP)}
          >
            +
          </button>
        </div>
      </div>
      <p id={summaryId} className="visually-hidden">
        {summaryOf(record, chunks)}
      </p>
      <Plot
        record={record}
        chunks={chunks}
        range={range}
        streamMs={streamMs}
        headMs={headMs}
        saidAt={saidAt}
        onRead={onRead}
        onSelect={setChosen}
      />
      {children}
    </section>
  );
}
