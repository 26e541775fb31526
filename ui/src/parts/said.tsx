import { useMemo, useState } from "react";

import { Copy } from "./copy";
import { readMarkdown, type Block, type Inline } from "./markdown";
import { Text } from "./text";
import "./said.css";

// Longer texts are shown as they are: setting them out would keep the page busy.
const LONGEST = 60_000;

/** What a model said: set out as the Markdown that it is, or as it came. */
export function Said({ children }: { children: string }) {
  const [isPlain, setPlain] = useState(false);
  const blocks = useMemo(() => readMarkdown(children.length > LONGEST ? "" : children), [children]);
  const isSetOut = blocks.some((block) => block.kind !== "paragraph" || block.inlines.length > 1);
  if (!isSetOut) return <Text>{children}</Text>;
  return (
    <div className="said-text">
      {isPlain ? <Text>{children}</Text> : blocks.map((block, at) => <BlockView key={at} block={block} />)}
      <button type="button" className="button is-small is-bare" onClick={() => setPlain(!isPlain)}>
        {isPlain ? "Set out" : "As text"}
      </button>
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "paragraph":
      return (
        <p dir="auto">
          <Inlines of={block.inlines} />
        </p>
      );
    case "heading":
      return (
        <p className="said-heading" data-level={block.level} dir="auto">
          <Inlines of={block.inlines} />
        </p>
      );
    case "quote":
      return (
        <blockquote dir="auto">
          <Inlines of={block.inlines} />
        </blockquote>
      );
    case "list": {
      const List = block.isOrdered ? "ol" : "ul";
      return (
        <List dir="auto">
          {block.items.map((item, at) => (
            <li key={at}>
              <Inlines of={item} />
            </li>
          ))}
        </List>
      );
    }
    case "code":
      return (
        <div className="code">
          <div className="code-tools">
            <Copy text={block.text} />
          </div>
          <Text>{block.text}</Text>
        </div>
      );
    case "rule":
      return <hr />;
  }
}

function Inlines({ of }: { of: Inline[] }) {
  return of.map((one, at) => {
    switch (one.kind) {
      case "text":
        return <span key={at}>{one.text}</span>;
      case "code":
        return <code key={at}>{one.text}</code>;
      case "strong":
        return <strong key={at}>{one.text}</strong>;
      case "em":
        return <em key={at}>{one.text}</em>;
      case "link":
        return (
          <a key={at} href={one.href} target="_blank" rel="noreferrer" title={one.href}>
            {one.text}
          </a>
        );
    }
  });
}
