/**
 * Pictures in what was sent and what was answered, in every provider's way to put them there.
 *
 * Drawn is only what the record itself holds, and only as one of four raster formats: they show
 * pixels and run nothing. What lies elsewhere is named, and never asked for.
 */
import type { Choice } from "../api/types";
import { bytes } from "../format";
import { isObject, textOf, type Json } from "../parts/json-values";
import { own } from "../parts/own";

/** `data`: an address that holds the picture itself; where it is null, `from` says why. */
export interface Picture {
  data: string | null;
  from: string;
}

// Characters of base64: more than any provider takes or sends, less than browsers refuse.
const MAX_DRAWN = 28_000_000;

const RASTER = /^data:image\/(png|jpe?g|gif|webp);base64,[\w+/=\s]+$/;

/** How files of these formats begin, in base64. */
const BEGINNINGS: [begin: string, type: string][] = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
];

/** The picture at an address. */
export function pictureAt(url: unknown): Picture {
  if (typeof url !== "string") return { data: null, from: "" };
  if (!url.startsWith("data:")) return { data: null, from: url };
  if (url.length > MAX_DRAWN) return { data: null, from: `too large, ${bytes(url.length)}` };
  return RASTER.test(url) ? { data: url, from: "" } : { data: null, from: url.slice(0, 40) };
}

/** The picture in base64; its first bytes tell what it is where nobody else does. */
function inline(base64: unknown, type?: unknown): Picture {
  const text = textOf(base64);
  const told = type ?? BEGINNINGS.find(([begin]) => text.startsWith(begin))?.[1];
  return pictureAt(`data:${textOf(told)};base64,${text}`);
}

/** What stands under a name, in the part beside which other names; null if it is no picture. */
type Reader = (value: unknown, part: Json) => Picture | null;

const bare: Reader = (value) => (typeof value === "string" ? inline(value) : null);

const blob: Reader = (value) => {
  if (!isObject(value)) return null;
  const type = value["mimeType"] ?? value["mime_type"];
  return isImage(type) ? inline(value["data"], type) : null;
};

const READERS: Record<string, Reader> = {
  // OpenAI, and who speaks it: chat, Responses, and calls that draw.
  image_url: (value) => pictureAt(isObject(value) ? value["url"] : value),
  result: (value, part) => (part["type"] === "image_generation_call" ? bare(value, part) : null),
  partial_image_b64: bare,
  // Anthropic.
  source: (value, part) => {
    if (part["type"] !== "image" || !isObject(value)) return null;
    return value["type"] === "base64"
      ? inline(value["data"], value["media_type"])
      : pictureAt(value["url"] ?? value["file_id"]);
  },
  // Gemini.
  inlineData: blob,
  inline_data: blob,
  // Bedrock's Converse.
  image: (value) => {
    if (!isObject(value) || !isObject(value["source"])) return null;
    return inline(value["source"]["bytes"], `image/${textOf(value["format"])}`);
  },
  // Files of the AI SDK, and what a code interpreter has drawn.
  url: (value, part) => {
    return part["type"] === "image" || isImage(part["mediaType"]) ? pictureAt(value) : null;
  },
};

function isImage(type: unknown): boolean {
  return typeof type === "string" && type.startsWith("image/");
}

/** The picture that a part of a message is; null if it is none. */
export function readPicture(part: Json): Picture | null {
  for (const [name, value] of Object.entries(part)) {
    const picture = own(READERS, name)?.(value, part);
    if (picture) return picture;
  }
  return null;
}

/** All pictures in a value, however deep. */
function picturesIn(value: unknown): Picture[] {
  if (Array.isArray(value)) return value.flatMap(picturesIn);
  if (!isObject(value)) return [];
  const picture = readPicture(value);
  return picture ? [picture] : Object.values(value).flatMap(picturesIn);
}

/** The pictures of a message that has them in a list of their own; Ollama's are bare. */
export function picturesOfMessage(images: unknown): Picture[] {
  if (!Array.isArray(images)) return [];
  return images.flatMap((one) => (typeof one === "string" ? [inline(one)] : picturesIn(one)));
}

// Where a reply keeps parts of an answer that are no text.
const PARTS = ["images", "content_parts", "parts", "blocks", "content", "output", "outputs"];
const SKETCHES = "image_generation_call.partial_image";

/** What a model has drawn; of a picture that was not finished, the last that came of it. */
export function picturesOfChoice({ extra }: Choice): Picture[] {
  if (extra === undefined) return [];
  const found = PARTS.flatMap((name) => picturesIn(own(extra, name)));
  return found.length > 0 ? found : picturesIn(own(extra, SKETCHES)).slice(-1);
}
