import { Copy } from "./copy";
import { Text } from "./text";

/** JSON set out in lines; what does not parse is shown as it is. */
export function Json({ text }: { text: string }) {
  const pretty = prettyJson(text);
  return (
    <div className="code">
      <div className="code-tools">
        <Copy text={text} />
      </div>
      <Text>{pretty}</Text>
    </div>
  );
}

export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
