/**
 * A request body as a conversation: who said what, in the order it was sent.
 *
 * Written against what the providers have in common (messages, input or contents; strings or
 * lists of parts) instead of once per dialect. What is not understood stays in the raw JSON,
 * which stands right beside it.
 */

import { isObject, textOf, type Json } from "../parts/json-values";
import { own } from "../parts/own";
import { picturesOfMessage, readPicture, type Picture } from "./pictures";

export type Part =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "tool_call"; name: string; json: string }
  | { kind: "tool_result"; text: string }
  | ({ kind: "image" } & Picture)
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
  if (!isTurn(value)) return [{ role: speakerOf(value) ?? role, parts: partsOf(value) }];
  const said = typeof value["role"] === "string" ? value["role"] : role;
  const calls = Array.isArray(value["tool_calls"]) ? value["tool_calls"].flatMap(partsOf) : [];
  const images = picturesOfMessage(value["images"]).map(asImage);
  const parts = [...partsOf(value["content"] ?? value["parts"]), ...images, ...calls];
  return [{ role: said, parts: said === "tool" ? parts.map(asResult) : parts }];
}

// Items of OpenAI's Responses that say by their type whose they are.
const SPEAKERS: Record<string, string> = {
  reasoning: "assistant",
  function_call: "assistant",
  image_generation_call: "assistant",
  function_call_output: "tool",
};

function speakerOf(item: unknown): string | undefined {
  return isObject(item) && typeof item["type"] === "string" ? own(SPEAKERS, item["type"]) : undefined;
}

function isTurn(value: unknown): value is Json {
  return isObject(value) && ("role" in value || "parts" in value);
}

function asResult(part: Part): Part {
  return part.kind === "text" ? { kind: "tool_result", text: part.text } : part;
}

function asImage(picture: Picture): Part {
  return { kind: "image", ...picture };
}

type Reader = (part: Json) => Part | Part[];

const PARTS: Record<string, Reader> = {
  text: (part) => ({ kind: "text", text: textOf(part["text"]) }),
  thinking: (part) => ({ kind: "reasoning", text: textOf(part["thinking"]) }),
  reasoning: (part) => ({ kind: "reasoning", text: plain(part["summary"]) }),
  tool_use: (part) => toolCall(part["name"], part["input"]),
  function_call: (part) => toolCall(part["name"], part["arguments"]),
  function: (part) => {
    const called = isObject(part["function"]) ? part["function"] : {};
    return toolCall(called["name"], called["arguments"]);
  },
  tool_result: (part) => resultOf(part["content"]),
  function_call_output: (part) => resultOf(part["output"]),
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
  if (read !== undefined) return [read(value)].flat();
  const picture = readPicture(value);
  if (picture !== null) return [asImage(picture)];
  if (IMAGES.has(type)) return [{ kind: "image", data: null, from: textOf(value["file_id"]) }];
  for (const [name, readNamed] of Object.entries(NAMED)) {
    if (name in value) return [readNamed(value[name], value)].flat();
  }
  return [{ kind: "other", type: type || (Object.keys(value)[0] ?? "empty") }];
}

// Pictures even where one cannot see from where.
const IMAGES = new Set(["image", "image_url", "input_image"]);

/** Gemini and Bedrock name no type: what it is stands as the key. */
const NAMED: Record<string, (value: unknown, part: Json) => Part | Part[]> = {
  text: (value, part) => ({ kind: part["thought"] === true ? "reasoning" : "text", text: textOf(value) }),
  functionCall: (value) => (isObject(value) ? toolCall(value["name"], value["args"]) : []),
  functionResponse: (value) => (isObject(value) ? resultOf(value["response"]) : []),
  toolUse: (value) => (isObject(value) ? toolCall(value["name"], value["input"]) : []),
  toolResult: (value) => (isObject(value) ? resultOf(value["content"]) : []),
};

/** What a tool has answered: its words, and its pictures after them. */
function resultOf(content: unknown): Part[] {
  const parts: unknown[] = Array.isArray(content) ? content : [content];
  const pictures = parts.map((part) => (isObject(part) ? readPicture(part) : null));
  const said = parts.filter((_, index) => pictures[index] === null);
  const text = plain(Array.isArray(content) ? said : content);
  const images = pictures.filter((picture) => picture !== null).map(asImage);
  return said.length === 0 && images.length > 0 ? images : [{ kind: "tool_result", text }, ...images];
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

/** A result's content as text: the texts of its parts, or its JSON. */
function plain(value: unknown): string {
  if (!Array.isArray(value)) return textOf(value);
  return value.map((part: unknown) => {
    return isObject(part) && typeof part["text"] === "string" ? part["text"] : textOf(part);
  }).join("\n");
}
