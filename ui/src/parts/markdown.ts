/**
 * Markdown as far as models write it, read into plain data. There is no HTML anywhere: what is
 * not understood stays the text that it is.
 */

export type Inline =
  | { kind: "text" | "code" | "strong" | "em"; text: string }
  | { kind: "link"; text: string; href: string };

export type Block =
  | { kind: "paragraph"; inlines: Inline[] }
  | { kind: "heading"; level: number; inlines: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; inlines: Inline[] }
  | { kind: "list"; isOrdered: boolean; items: Inline[][] }
  | { kind: "rule" };

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*(?:([-*+])|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^>\s?(.*)$/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;

export function readMarkdown(source: string): Block[] {
  const blocks: Block[] = [];
  const lines = source.split("\n");
  let paragraph: string[] = [];
  const close = () => {
    if (paragraph.length > 0) {
      blocks.push({ kind: "paragraph", inlines: readInlines(paragraph.join("\n")) });
    }
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    const item = ITEM.exec(line);
    const quote = QUOTE.exec(line);
    if (fence) {
      close();
      const end = lines.findIndex((one, index) => index > at && one.trim().startsWith(fence[1] ?? "```"));
      // A stream may have been cut inside of it.
      const last = end === -1 ? lines.length : end;
      blocks.push({ kind: "code", language: fence[2] ?? "", text: lines.slice(at + 1, last).join("\n") });
      at = last;
    } else if (RULE.test(line)) {
      close();
      blocks.push({ kind: "rule" });
    } else if (heading) {
      close();
      const level = heading[1]?.length ?? 1;
      blocks.push({ kind: "heading", level, inlines: readInlines(heading[2] ?? "") });
    } else if (item) {
      close();
      const isOrdered = item[1] === undefined;
      const inlines = readInlines(item[2] ?? "");
      const before = blocks.at(-1);
      if (before?.kind === "list" && before.isOrdered === isOrdered) before.items.push(inlines);
      else blocks.push({ kind: "list", isOrdered, items: [inlines] });
    } else if (quote) {
      close();
      blocks.push({ kind: "quote", inlines: readInlines(quote[1] ?? "") });
    } else if (line.trim() === "") {
      close();
    } else {
      paragraph.push(line);
    }
  }
  close();
  return blocks;
}

// Each alternative is bounded by its own delimiters and eats no line end, so a long text without
// any of them is read in one pass.
const INLINE =
  /`([^`\n]+)`|\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\s][^*\n]*)\*|\[([^\]\n]{1,500})\]\(([^)\s]{1,2000})\)/g;

function readInlines(text: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    found.push(inlineOf(match));
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

function inlineOf([whole, code, strong, strong2, em, label, href]: RegExpMatchArray): Inline {
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined || strong2 !== undefined) {
    return { kind: "strong", text: strong ?? strong2 ?? "" };
  }
  if (em !== undefined) return { kind: "em", text: em };
  // Only what leads to a web page is a link; `javascript:` and its like stay text.
  if (label !== undefined && href !== undefined && /^https?:\/\//i.test(href)) {
    return { kind: "link", text: label, href };
  }
  return { kind: "text", text: whole };
}
