import { expect, test } from "vitest";

import type { StreamRecord } from "../api/types";
import { summary } from "../testing";
import { asCurl, asPython, asRecording, quoted } from "./copies";

const ORIGIN = "http://127.0.0.1:4284";
const record: StreamRecord = {
  ...summary(),
  attempts: [],
  request_body: `{"text": "it's"}`,
  reply: null,
  response_text: null,
  response_headers: { "content-type": "text/event-stream; charset=utf-8" },
  bytes_kept: 512,
};

test("a quoted text is one word of a shell, whatever is in it", () => {
  expect(quoted("a'b $c `d`")).toBe(`'a'\\''b $c \`d\`'`);
});

test("curl sends the same body to the same address", () => {
  const text = asCurl(record, ORIGIN);
  expect(text).toContain(`'${ORIGIN}/openai/v1/chat/completions'`);
  expect(text).toContain(`--data-binary '{"text": "it'\\''s"}'`);
  expect(text).not.toMatch(/Bearer [^$]/);
});

test("Python has the body as a string of its own", () => {
  expect(asPython(record, ORIGIN)).toContain(String.raw`body = "{\"text\": \"it's\"}"`);
});

const typed = (type: string): StreamRecord => ({ ...record, response_headers: { "content-type": type } });

test.each([
  ["application/json", null],
  ["application/x-ndjson", '"framing":"ndjson"'],
  ["application/vnd.amazon.eventstream", '"framing":"eventstream"'],
])("an answer of %s becomes a recording only if it was a stream", (type, expected) => {
  const text = asRecording(typed(type), ORIGIN);
  if (expected === null) expect(text).toBeNull();
  else expect(text).toContain(expected);
});

test("no answer, no recording", () => {
  expect(asRecording({ ...record, response_headers: null }, ORIGIN)).toBeNull();
  expect(asRecording({ ...record, bytes_kept: 0 }, ORIGIN)).toBeNull();
});

test("a recording says where it belongs", () => {
  const text = asRecording(record, ORIGIN);
  expect(text).toContain(`-o 'recordings/openai/openai_chat/${record.id}.sse'`);
  expect(text).toContain(`"path":"/v1/chat/completions"`);
});
