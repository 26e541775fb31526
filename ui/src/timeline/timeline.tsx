import { useId, useMemo, useState } from "react";

import type { Chunk } from "../api/types";
import { Plot } from "./plot";
import { endOf, phasesOf, type Times } from "./scale";
import { summaryOf } from "./summary";
import "./timeline.css";

// Room after the first content, when the view ends there.
const START_FACTOR = 1.15;

/** The stream on a time axis: marks as flags, phases as a band, each chunk as a bar. */
export function Timeline({ record, chunks }: { record: Times; chunks: readonly Chunk[] }) {
  const [isStart, setStart] = useState(false);
  const titleId = useId();
  const summaryId = useId();
  const wholeMs = endOf(record, chunks);
  const startMs = (record.ttft_ms ?? record.first_byte_ms ?? 0) * START_FACTOR;
  const canZoom = startMs > 0 && startMs < wholeMs * 0.6;
  const endMs = isStart && canZoom ? startMs : wholeMs;
  const kinds = useMemo(() => phasesOf(record, wholeMs), [record, wholeMs]);

  return (
    <section className="panel timeline" aria-labelledby={titleId} aria-describedby={summaryId}>
      <div className="timeline-head">
        <h2 id={titleId}>Timeline</h2>
        <ul className="legend">
          {kinds.map(({ kind, label }) => (
            <li key={kind}>
              <span className={`swatch is-${kind}`} aria-hidden="true" />
              {label}
            </li>
          ))}
        </ul>
        {canZoom && (
          <button
            type="button"
            className="button is-small"
            aria-pressed={isStart}
            onClick={() => setStart(!isStart)}
          >
            Zoom to first content
          </button>
        )}
      </div>
      <p id={summaryId} className="visually-hidden">
        {summaryOf(record, chunks)}
      </p>
      <Plot record={record} chunks={chunks} endMs={endMs} wholeMs={wholeMs} />
    </section>
  );
}
