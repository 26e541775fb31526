/**
 * A request body as a conversation: who said what, in the order it was sent.
 *
 * Written against what the providers have in common (messages, input or contents; strings or
 * lists of parts) instead of once per dialect. What is not understood stays in the raw JSON,
 * which stands right beside it.
 */

import { own } from "../parts/own";

export type Part =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "tool_call"; name: string; json: string }
  | { kind: "tool_result"; text: string }
  /** `data`: the image itself, as an address that loads nothing; null where it lies elsewhere. */
  | { kind: "image"; data: string | null; from: string }
  | { kind: "other"; type: string };

export interface Turn {
  role: string;
  parts: Part[];
}

export interface Conversation {
  turns: Turn[];
  /** The names of the tools on offer. */
  tools: string[];
  /** The single values: temperature, max_tokens, stream, … */
  settings: [name: string, value: string][];
}

type Json = Record<string, unknown>;

/** The conversation of a body, or null where the body is no JSON object. */
export function readConversation(body: string): Conversation | null {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return null;
  }
  if (!isObject(request)) return null;
  const turns = [
    ...turnsOf(request["system"] ?? request["instructions"] ?? request["systemInstruction"], "system"),
    ...turnsOf(request["messages"] ?? request["input"] ?? request["contents"], "user"),
    ...turnsOf(request["prompt"], "user"),
  ];
  return { turns, tools: toolsOf(request["tools"]), settings: settingsOf(request) };
}

/** Turns out of a text, one message, or a list of messages or of a single message's parts. */
function turnsOf(value: unknown, role: string): Turn[] {
  if (value == null) return [];
  if (Array.isArray(value) && value.some(isTurn)) return value.flatMap((one) => turnsOf(one, role));
  if (!isTurn(value)) return [{ role, parts: partsOf(value) }];
  const own = typeof value["role"] === "string" ? value["role"] : role;
  const calls = Array.isArray(value["tool_calls"]) ? value["tool_calls"].flatMap(partsOf) : [];
  const parts = [...partsOf(value["content"] ?? value["parts"]), ...calls];
  return [{ role: own, parts: own === "tool" ? parts.map(asResult) : parts }];
}

function isTurn(value: unknown): value is Json {
  return isObject(value) && ("role" in value || "parts" in value);
}

function asResult(part: Part): Part {
  return part.kind === "text" ? { kind: "tool_result", text: part.text } : part;
}

type Reader = (part: Json) => Part;

const PARTS: Record<string, Reader> = {
  text: (part) => ({ kind: "text", text: textOf(part["text"]) }),
  thinking: (part) => ({ kind: "reasoning", text: textOf(part["thinking"]) }),
  tool_use: (part) => toolCall(part["name"], part["input"]),
  function_call: (part) => toolCall(part["name"], part["arguments"]),
  function: (part) => {
    const called = isObject(part["function"]) ? part["function"] : {};
    return toolCall(called["name"], called["arguments"]);
  },
  tool_result: (part) => ({ kind: "tool_result", text: plain(part["content"]) }),
  function_call_output: (part) => ({ kind: "tool_result", text: plain(part["output"]) }),
};
PARTS["image_url"] = (part) => image(isObject(part["image_url"]) ? part["image_url"]["url"] : part["image_url"]);
PARTS["input_image"] = PARTS["image_url"];
PARTS["image"] = (part) => {
  const source = isObject(part["source"]) ? part["source"] : {};
  return source["type"] === "base64" ? inline(source["media_type"], source["data"]) : image(source["url"]);
};
PARTS["input_text"] = PARTS["text"] as Reader;
PARTS["output_text"] = PARTS["text"] as Reader;

function partsOf(value: unknown): Part[] {
  if (value == null) return [];
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (!isObject(value)) return [{ kind: "text", text: plain(value) }];
  if (Array.isArray(value["parts"])) return partsOf(value["parts"]);
  const type = typeof value["type"] === "string" ? value["type"] : "";
  const read = own(PARTS, type);
  if (read !== undefined) return [read(value)];
  if (typeof value["text"] === "string") return [{ kind: "text", text: value["text"] }];
  const bare = bareImage(value);
  if (bare !== null) return [bare];
  return [{ kind: "other", type: type || (Object.keys(value)[0] ?? "empty") }];
}

// What a browser shows without running anything of it.
const DATA_IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[\w+/=\s]+$/;

function image(url: unknown): Part {
  if (typeof url !== "string") return { kind: "image", data: null, from: "" };
  if (DATA_IMAGE.test(url)) return { kind: "image", data: url, from: "" };
  return { kind: "image", data: null, from: url.startsWith("data:") ? url.slice(0, 40) : url };
}

function inline(type: unknown, data: unknown): Part {
  return image(`data:${textOf(type)};base64,${textOf(data)}`);
}

/** Gemini and Bedrock name no type: what it is stands as the key. */
function bareImage(part: Json): Part | null {
  const given = part["inlineData"] ?? part["inline_data"];
  if (isObject(given)) return inline(given["mimeType"] ?? given["mime_type"], given["data"]);
  const own = part["image"];
  if (!isObject(own) || !isObject(own["source"])) return null;
  return inline(`image/${textOf(own["format"])}`, own["source"]["bytes"]);
}

function toolCall(name: unknown, input: unknown): Part {
  return { kind: "tool_call", name: typeof name === "string" ? name : "?", json: textOf(input) };
}

function toolsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool: unknown) => {
    if (!isObject(tool)) return [];
    const inner = isObject(tool["function"]) ? tool["function"] : tool;
    const name = inner["name"] ?? inner["type"];
    return typeof name === "string" ? [name] : [];
  });
}

function settingsOf(request: Json): [string, string][] {
  return Object.entries(request).flatMap(([name, value]): [string, string][] => {
    const isSingle = ["number", "boolean", "string"].includes(typeof value);
    return isSingle && !SAID.has(name) ? [[name, String(value)]] : [];
  });
}

// Shown as turns, or with the record's own facts.
const SAID = new Set(["model", "system", "instructions", "input", "prompt"]);

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

/** A result's content as text: the texts of its parts, or its JSON. */
function plain(value: unknown): string {
  if (!Array.isArray(value)) return textOf(value);
  return value.map((part: unknown) => {
    return isObject(part) && typeof part["text"] === "string" ? part["text"] : textOf(part);
  }).join("\n");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
