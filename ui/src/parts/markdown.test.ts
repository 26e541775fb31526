import { expect, test } from "vitest";

import { readMarkdown } from "./markdown";

test("blocks are told apart", () => {
  const kinds = readMarkdown("# A\n\nb\nc\n\n- d\n- e\n1. f\n> g\n---\n```py\nh\n```").map((b) => b.kind);
  expect(kinds).toEqual(["heading", "paragraph", "list", "list", "quote", "rule", "code"]);
});

test("a code block that was cut is code to the end", () => {
  expect(readMarkdown("```py\nx = 1\n# no heading")).toEqual([
    { kind: "code", language: "py", text: "x = 1\n# no heading" },
  ]);
});

test("what stands between the marks is kept as it is", () => {
  expect(readMarkdown("a `<b>` **c** *d* e_f_g")).toEqual([
    {
      kind: "paragraph",
      inlines: [
        { kind: "text", text: "a " },
        { kind: "code", text: "<b>" },
        { kind: "text", text: " " },
        { kind: "strong", text: "c" },
        { kind: "text", text: " " },
        { kind: "em", text: "d" },
        { kind: "text", text: " e_f_g" },
      ],
    },
  ]);
});

test.each(["javascript:alert(1)", "data:text/html,x", "//evil", "/local", "vbscript:x", "JaVaScRiPt:1"])(
  "%s is no link",
  (href) => {
    const [block] = readMarkdown(`[click](${href})`);
    if (block?.kind !== "paragraph") throw new Error("it is no paragraph");
    expect(new Set(block.inlines.map((one) => one.kind))).toEqual(new Set(["text"]));
    expect(block.inlines.map((one) => one.text).join("")).toBe(`[click](${href})`);
  },
);

test("a web page is a link", () => {
  const [block] = readMarkdown("[docs](https://example.com/a)");
  expect(block).toMatchObject({ inlines: [{ kind: "link", href: "https://example.com/a" }] });
});

test("no text takes long, whatever its marks", () => {
  for (const mark of ["*", "`", "[", "**a", "# ", "- ", "> ", "```\n"]) {
    expect(readMarkdown(mark.repeat(20_000)).length).toBeGreaterThan(0);
  }
});
