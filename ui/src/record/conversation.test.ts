import { expect, test } from "vitest";

import { readConversation } from "./conversation";

const read = (body: unknown) => readConversation(JSON.stringify(body));

test("OpenAI chat: roles, parts, tool calls and their results", () => {
  const said = read({
    model: "gpt-4o",
    temperature: 0,
    stream: true,
    tools: [{ type: "function", function: { name: "weather" } }],
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "Look" }, { type: "input_file" }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ type: "function", function: { name: "weather", arguments: '{"c":1}' } }],
      },
      { role: "tool", tool_call_id: "1", content: "rain" },
    ],
  });
  expect(said?.turns).toEqual([
    { role: "system", parts: [{ kind: "text", text: "Be brief." }] },
    {
      role: "user",
      parts: [{ kind: "text", text: "Look" }, { kind: "other", type: "input_file" }],
    },
    { role: "assistant", parts: [{ kind: "tool_call", name: "weather", json: '{"c":1}' }] },
    { role: "tool", parts: [{ kind: "tool_result", text: "rain" }] },
  ]);
  expect(said?.tools).toEqual(["weather"]);
  expect(said?.settings).toEqual([["temperature", "0"], ["stream", "true"]]);
});

test("Anthropic: system blocks, thinking, tool use and tool results", () => {
  const said = read({
    system: [{ type: "text", text: "A" }, { type: "text", text: "B" }],
    messages: [
      { role: "assistant", content: [
        { type: "thinking", thinking: "hm" },
        { type: "tool_use", name: "f", input: { a: 1 } },
      ] },
      { role: "user", content: [
        { type: "tool_result", content: [{ type: "text", text: "ok" }] },
      ] },
    ],
  });
  expect(said?.turns).toEqual([
    { role: "system", parts: [{ kind: "text", text: "A" }, { kind: "text", text: "B" }] },
    {
      role: "assistant",
      parts: [{ kind: "reasoning", text: "hm" }, { kind: "tool_call", name: "f", json: '{"a":1}' }],
    },
    { role: "user", parts: [{ kind: "tool_result", text: "ok" }] },
  ]);
});

test.each([
  ["a prompt", { prompt: "Once" }, [{ role: "user", parts: [{ kind: "text", text: "Once" }] }]],
  [
    "Responses",
    { instructions: "I", input: [{ role: "user", content: [{ type: "input_text", text: "U" }] }] },
    [
      { role: "system", parts: [{ kind: "text", text: "I" }] },
      { role: "user", parts: [{ kind: "text", text: "U" }] },
    ],
  ],
  [
    "Gemini",
    { contents: [{ parts: [{ text: "G" }] }, { role: "model", parts: [{ text: "H" }] }] },
    [
      { role: "user", parts: [{ kind: "text", text: "G" }] },
      { role: "model", parts: [{ kind: "text", text: "H" }] },
    ],
  ],
])("%s", (_, body, turns) => expect(read(body)?.turns).toEqual(turns));

test.each(["not json", "[1]", '"text"', "null", ""])("%s is no conversation", (body) => {
  expect(readConversation(body)).toBeNull();
});

test.each([
  { messages: 5 },
  { messages: [null, 3, { role: 7, content: { odd: true } }] },
  { tools: "x", messages: [{ role: "user", content: [{}] }] },
  { messages: [{ role: "user", content: [{ type: "constructor" }, { type: "__proto__" }] }] },
])("odd shapes are survived: %j", (body) => expect(read(body)).not.toBeNull());

const PNG = "iVBORw0KGgo=";
const shown = { kind: "image", data: `data:image/png;base64,${PNG}`, from: "" };

test.each([
  [{ type: "image_url", image_url: { url: shown.data } }, shown],
  [{ type: "input_image", image_url: shown.data }, shown],
  [{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } }, shown],
  [{ inlineData: { mimeType: "image/png", data: PNG } }, shown],
  [{ inline_data: { mime_type: "image/png", data: PNG } }, shown],
  [{ image: { format: "png", source: { bytes: PNG } } }, shown],
])("an image that was sent along is shown: %j", (part, expected) => {
  expect(read({ messages: [{ role: "user", content: [part] }] })?.turns[0]?.parts).toEqual([expected]);
});

test.each([
  ["https://example.com/x.png", "https://example.com/x.png"],
  ["data:text/html;base64,PGI+", "data:text/html;base64,PGI+"],
  ["data:image/svg+xml;base64,PHN2Zz4=", "data:image/svg+xml;base64,PHN2Zz4="],
  ['data:image/png;base64,"onerror=x', 'data:image/png;base64,"onerror=x'],
  [undefined, ""],
])("an image that lies elsewhere, or is none, is not loaded: %s", (url, from) => {
  const part = { type: "image_url", image_url: { url } };
  expect(read({ messages: [{ role: "user", content: [part] }] })?.turns[0]?.parts).toEqual([
    { kind: "image", data: null, from },
  ]);
});

test("what a tool has answered is text, and its pictures stand after it", () => {
  const source = { type: "base64", media_type: "image/png", data: PNG };
  const content = [{ type: "text", text: "The screen." }, { type: "image", source }];
  const parts = [{ kind: "tool_result", text: "The screen." }, shown];
  expect(read({ messages: [{ role: "user", content: [{ type: "tool_result", content }] }] })?.turns).toEqual([
    { role: "user", parts },
  ]);
  const output = [{ type: "input_text", text: "The screen." }, { type: "input_image", image_url: shown.data }];
  const items = [{ role: "user", content: "Look." }, { type: "function_call_output", output }];
  expect(read({ input: items })?.turns[1]).toEqual({ role: "tool", parts });
});

test("Gemini and Bedrock: calls and results are named by their keys", () => {
  const contents = [
    { role: "model", parts: [{ text: "hm", thought: true }, { functionCall: { name: "f", args: { a: 1 } } }] },
    { role: "user", parts: [{ functionResponse: { name: "f", response: { b: 2 } } }] },
  ];
  expect(read({ contents })?.turns.map((turn) => turn.parts)).toEqual([
    [{ kind: "reasoning", text: "hm" }, { kind: "tool_call", name: "f", json: '{"a":1}' }],
    [{ kind: "tool_result", text: '{"b":2}' }],
  ]);
  const messages = [
    { role: "assistant", content: [{ toolUse: { name: "g", input: {} } }] },
    { role: "user", content: [{ toolResult: { content: [{ text: "ok" }] } }] },
  ];
  expect(read({ messages })?.turns.map((turn) => turn.parts)).toEqual([
    [{ kind: "tool_call", name: "g", json: "{}" }],
    [{ kind: "tool_result", text: "ok" }],
  ]);
});

test("items of OpenAI's Responses stand with those whose they are", () => {
  const input = [
    { role: "user", content: "Draw." },
    { type: "reasoning", summary: [{ type: "summary_text", text: "A cat." }] },
    { type: "image_generation_call", result: PNG },
  ];
  expect(read({ input })?.turns.slice(1)).toEqual([
    { role: "assistant", parts: [{ kind: "reasoning", text: "A cat." }] },
    { role: "assistant", parts: [shown] },
  ]);
});
