/** A record's request in other words: to send it again, or to play its answer to a test. */
import type { StreamRecord } from "../api/types";
import { bytesPath } from "../api/client";
import { own } from "../parts/own";

/** As one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function addressOf(record: StreamRecord, origin: string): string {
  const path = record.path ?? "";
  return record.provider ? `${origin}/${record.provider}${path}` : origin + path;
}

export function asCurl(record: StreamRecord, origin: string): string {
  const lines = [
    `curl -N ${quoted(addressOf(record, origin))}`,
    `  -X ${record.method || "POST"}`,
    `  -H "Authorization: Bearer $API_KEY"`,
    `  -H 'Content-Type: application/json'`,
  ];
  if (record.request_body !== null) lines.push(`  --data-binary ${quoted(record.request_body)}`);
  return lines.join(" \\\n");
}

export function asPython(record: StreamRecord, origin: string): string {
  const body = record.request_body ?? "";
  // A JSON string is a Python string, too, but for what stands outside of the BMP: JSON has it raw.
  return `import os

import httpx

body = ${JSON.stringify(body)}
headers = {
    "Authorization": f"Bearer {os.environ['API_KEY']}",
    "Content-Type": "application/json",
}
url = ${JSON.stringify(addressOf(record, origin))}
with httpx.stream(${JSON.stringify(record.method || "POST")}, url, content=body, headers=headers, timeout=None) as answer:
    for text in answer.iter_text():
        print(text, end="", flush=True)`;
}

// What the simulator can play: streams, whose frames it sends one by one.
const FRAMINGS: Record<string, string> = {
  "text/event-stream": "sse",
  "application/x-ndjson": "ndjson",
  "application/vnd.amazon.eventstream": "eventstream",
};

/**
 * What makes the answer a recording that `streamgauge simulate` plays; null where it was no stream,
 * or is not kept.
 */
export function asRecording(record: StreamRecord, origin: string): string | null {
  if (!record.bytes_kept) return null;
  const [kind = ""] = (record.response_headers?.["content-type"] ?? "").split(";");
  const framing = own(FRAMINGS, kind.trim().toLowerCase());
  if (framing === undefined) return null;
  const dialect = record.dialect ?? "unknown";
  const folder = `${record.provider ?? "any"}/${dialect}`;
  const file = `${folder}/${record.id}.${framing}`;
  const line = JSON.stringify({
    file,
    provider: record.provider ?? "",
    dialect,
    framing,
    path: record.path ?? "",
    model: record.model,
    http_status: record.http_status ?? 200,
  });
  return [
    `mkdir -p ${quoted(`recordings/${folder}`)}`,
    `curl -s --compressed ${quoted(origin + bytesPath(record.id))} -o ${quoted(`recordings/${file}`)}`,
    `echo ${quoted(line)} >> recordings/manifest.jsonl`,
    `streamgauge simulate --recordings recordings`,
  ].join("\n");
}
