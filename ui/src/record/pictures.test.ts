import { expect, test } from "vitest";

import { pictureAt, picturesOfChoice, picturesOfMessage } from "./pictures";

const PNG = "iVBORw0KGgo=";
const shown = { data: `data:image/png;base64,${PNG}`, from: "" };

test.each<[string, Record<string, unknown>]>([
  ["OpenRouter", { images: [{ type: "image_url", image_url: { url: shown.data } }] }],
  ["content in parts", { content_parts: [{ type: "image_url", image_url: { url: shown.data } }] }],
  ["Gemini", { parts: [{ inlineData: { mimeType: "image/png", data: PNG } }] }],
  ["Responses", { output: { 0: { type: "image_generation_call", result: PNG } } }],
  [
    "a code interpreter",
    { output: { 1: { type: "code_interpreter_call", outputs: [{ type: "image", url: shown.data }] } } },
  ],
  ["the AI SDK", { parts: [{ type: "file", mediaType: "image/png", url: shown.data }] }],
  [
    "one not finished, of which the last is nearest",
    { "image_generation_call.partial_image": [{ partial_image_b64: "/9j/AA" }, { partial_image_b64: PNG }] },
  ],
])("what a model has drawn, by %s", (_, extra) => {
  expect(picturesOfChoice({ extra })).toEqual([shown]);
});

test("a finished picture stands for its sketches", () => {
  const extra = {
    output: { 0: { type: "image_generation_call", result: PNG } },
    "image_generation_call.partial_image": [{ partial_image_b64: "/9j/AA" }],
  };
  expect(picturesOfChoice({ extra })).toEqual([shown]);
});

test.each([
  ["iVBORw0KGgoA", "png"],
  ["/9j/4AAQ", "jpeg"],
  ["R0lGODlh", "gif"],
  ["UklGRgAA", "webp"],
])("%s is told by its beginning", (base64, type) => {
  const data = `data:image/${type};base64,${base64}`;
  expect(picturesOfMessage([base64])).toEqual([{ data, from: "" }]);
});

test("what begins like no picture is none", () => {
  expect(picturesOfMessage(["PHN2Zz4="])[0]?.data).toBeNull();
  expect(picturesOfMessage("PHN2Zz4=")).toEqual([]);
});

test.each([
  [{}],
  [{ parts: [{ inlineData: { mimeType: "audio/mp3", data: PNG } }, { executableCode: { code: "1" } }] }],
  [{ output: { 0: { type: "function_call_output", result: PNG } } }],
  [{ output: { 0: { type: "web_search_call", url: "https://example.com/x" } } }],
  [{ images: null, parts: "constructor", output: [[[]]] }],
])("no picture: %j", (extra) => expect(picturesOfChoice({ extra })).toEqual([]));

test("what is too large is not drawn, and says how large it is", () => {
  const { data, from } = pictureAt(`data:image/png;base64,${"A".repeat(30_000_000)}`);
  expect(data).toBeNull();
  expect(from).toMatch(/^too large, 2\d(\.\d)? MB|^too large, 30(\.\d)? MB/);
});
