/**
 * A request body as a conversation: who said what, in the order it was sent.
 *
 * Written against what the providers have in common (messages, input or contents; strings or
 * lists of parts) instead of once per dialect. What is not understood stays in the raw JSON,
 * which stands right beside it.
 */

export type Part =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "tool_call"; name: string; json: string }
  | { kind: "tool_result"; text: string }
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
PARTS["input_text"] = PARTS["text"] as Reader;
PARTS["output_text"] = PARTS["text"] as Reader;

function partsOf(value: unknown): Part[] {
  if (value == null) return [];
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (!isObject(value)) return [{ kind: "text", text: plain(value) }];
  if (Array.isArray(value["parts"])) return partsOf(value["parts"]);
  const type = typeof value["type"] === "string" ? value["type"] : "";
  const read = PARTS[type];
  if (read !== undefined) return [read(value)];
  if (typeof value["text"] === "string") return [{ kind: "text", text: value["text"] }];
  return [{ kind: "other", type: type || (Object.keys(value)[0] ?? "empty") }];
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
