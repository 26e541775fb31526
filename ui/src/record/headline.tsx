import type { StreamRecord } from "../api/types";
import { cost, count, duration, rate } from "../format";
import { COST_SOURCES, USAGE_SOURCES } from "./facts";

/** The numbers one came for, at the top. */
export function Headline({ record, ageMs }: { record: StreamRecord; ageMs: number | null }) {
  const usage = record.usage_source === "unknown" ? "" : USAGE_SOURCES[record.usage_source];
  const price = record.cost_source === "unknown" ? "" : COST_SOURCES[record.cost_source];
  const stalls = record.stalls ?? 0;
  return (
    <dl className="headline">
      <Figure label="Time to first token" value={duration(record.ttft_ms)} />
      {ageMs === null ? (
        <Figure label="Duration" value={duration(record.duration_ms)} />
      ) : (
        <Figure label="Running for" value={duration(ageMs)} />
      )}
      <Figure label="Tokens per second" value={rate(record.tokens_per_second)} />
      <Figure
        label="Longest gap"
        value={duration(record.max_gap_ms)}
        note={stalls > 0 ? `${count(stalls)} over 2 s` : ""}
        isBad={stalls > 0}
      />
      <Figure label="Input tokens" value={count(record.input_tokens)} note={usage} />
      <Figure label="Output tokens" value={count(record.output_tokens)} note={usage} />
      <Figure label="Cost" value={cost(record.cost_usd)} note={price} />
    </dl>
  );
}

function Figure({
  label,
  value,
  note = "",
  isBad = false,
}: {
  label: string;
  value: string;
  note?: string;
  isBad?: boolean;
}) {
  return (
    <div className="figure" data-bad={isBad || undefined}>
      <dt>{label}</dt>
      <dd>
        <span className="figure-value">{value}</span>
        {note && <span className="figure-note">{note}</span>}
      </dd>
    </div>
  );
}
