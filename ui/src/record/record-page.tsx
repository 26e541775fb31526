import { memo, useEffect, useRef } from "react";

import type { Chunk, StreamRecord } from "../api/types";
import { count, counted, fullTime } from "../format";
import type { OpenExchange } from "../live/live";
import { nameOf } from "../parts/name";
import { OutcomeBadge } from "../parts/outcome";
import { Problem } from "../parts/problem";
import { Stop } from "../parts/stop";
import { isTyping, rememberOpened } from "../records/use-list-keys";
import { goBack, Link } from "../router";
import { Attempts } from "./attempts";
import { Facts } from "./facts";
import { Headline } from "./headline";
import { Stream } from "./player";
import { ReplyView } from "./reply";
import { Request } from "./request";
import { RecordTools } from "./tools";
import { useRecord } from "./use-record";
import "./record.css";

const NO_CHUNKS: readonly Chunk[] = [];

export function RecordPage({ id }: { id: string }) {
  const { query, record, exchange, ageMs, isAwaited } = useRecord(id);
  useBackKey(id);
  return (
    <main className="page record">
      <BackLink />
      {record ? (
        <RecordView record={record} exchange={exchange} ageMs={ageMs} />
      ) : query.error && !isAwaited ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <p className="muted" role="status">
          Loading…
        </p>
      )}
    </main>
  );
}

interface RecordViewProps {
  record: StreamRecord;
  exchange: OpenExchange | undefined;
  ageMs: number | null;
}

// The page hears of every exchange that runs; a record at rest need not be drawn again for it.
const RecordView = memo(function RecordView({ record, exchange, ageMs }: RecordViewProps) {
  const title = useRef<HTMLHeadingElement>(null);
  const name = nameOf(record);
  useEffect(() => {
    title.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${name} · Streamgauge`;
  }, [name]);

  const chunks = record.timeline?.chunks ?? NO_CHUNKS;
  const isOpen = record.outcome === "open";
  return (
    <>
      <header className="record-head">
        <h1 ref={title} tabIndex={-1}>
          {name}
        </h1>
        <OutcomeBadge
          outcome={record.outcome}
          closedBy={record.closed_by}
          httpStatus={record.http_status}
          isFull
        />
        <p className="record-when">
          {[record.provider, fullTime(record.started_at)].filter(Boolean).join(", ")}
        </p>
        {isOpen ? <Stop id={record.id} /> : <RecordTools record={record} />}
      </header>
      {(record.error_message ?? record.error_type) && (
        <div className="fault" role="note">
          <div className="tool-name">{record.error_type ?? "error"}</div>
          {record.error_message}
        </div>
      )}
      <Headline record={record} ageMs={isOpen ? ageMs : null} />
      {isOpen && chunks.length === 0 ? (
        <p className="panel running" role="status">
          Running: {exchange?.progress ? counted(exchange.progress.chunks, "chunk") : "no chunk"} so
          far, {count(exchange?.progress?.output_tokens)} tokens. The timeline is drawn when it has
          ended.
        </p>
      ) : (
        <Stream record={record} chunks={chunks} />
      )}
      <Attempts record={record} />
      <div className="record-columns">
        <div className="record-said">
          <Request body={record.request_body} headers={record.request_headers} />
          <ReplyView record={record} liveText={exchange?.progress?.text ?? null} />
        </div>
        <Facts record={record} />
      </div>
    </>
  );
});

/** Back to the list one came from, with its filters. */
function BackLink() {
  return (
    <nav className="back">
      <Link href="/" isBack>
        <span aria-hidden="true">←</span> Records
      </Link>
      <span className="keys" aria-hidden="true">
        <kbd>Esc</kbd> back
      </span>
    </nav>
  );
}

function useBackKey(id: string): void {
  useEffect(() => {
    rememberOpened(id);
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || isTyping(event.target) || document.querySelector("dialog[open]")) {
        return;
      }
      goBack();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [id]);
}
