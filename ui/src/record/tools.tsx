import type { StreamRecord } from "../api/types";
import { Copy } from "../parts/copy";
import { Link } from "../router";
import { asCurl, asPython, asRecording } from "./copies";

/** What can be done with a record. */
export function RecordTools({ record }: { record: StreamRecord }) {
  const recording = asRecording(record, location.origin);
  return (
    <div className="record-tools">
      <Copy label="Copy as curl" text={asCurl(record, location.origin)} />
      <Copy label="as Python" text={asPython(record, location.origin)} />
      {recording !== null && <Copy label="as simulator recording" text={recording} />}
      <Link className="button is-small" href={`/compare?a=${encodeURIComponent(record.id)}`}>
        Compare with …
      </Link>
    </div>
  );
}
