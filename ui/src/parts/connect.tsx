import { useEffect, useId, useState } from "react";

import { count } from "../format";
import { servedBy, useHealth } from "../health/use-health";
import { Link } from "../router";
import { Copy } from "./copy";
import "./connect.css";

interface Snippet {
  name: string;
  code: (origin: string) => string;
}

// One line changes: where the client's requests go. Keys stay the client's own.
const SNIPPETS: readonly Snippet[] = [
  {
    name: "Python",
    code: (origin) => `from openai import OpenAI

client = OpenAI(base_url="${origin}/openai/v1")

stream = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Count to ten."}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`,
  },
  {
    name: "Anthropic",
    code: (origin) => `from anthropic import Anthropic

client = Anthropic(base_url="${origin}/anthropic")

with client.messages.stream(
    model="claude-haiku-4-5",
    max_tokens=256,
    messages=[{"role": "user", "content": "Count to ten."}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)`,
  },
  {
    name: "TypeScript",
    code: (origin) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${origin}/openai/v1" });

const stream = await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "Count to ten." }],
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}`,
  },
  {
    name: "curl",
    code: (origin) => `curl -N ${origin}/openai/v1/chat/completions \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "gpt-4o-mini",
    "stream": true,
    "messages": [{"role": "user", "content": "Count to ten."}]
  }'`,
  },
];

/** How to point a client here, with the address this page came from. */
export function Snippets() {
  const [chosen, setChosen] = useState(0);
  const name = useId();
  const code = SNIPPETS[chosen]?.code(location.origin) ?? "";
  return (
    <div className="snippets">
      <fieldset className="tabs">
        <legend className="visually-hidden">Client</legend>
        {SNIPPETS.map((snippet, index) => (
          <label key={snippet.name} className="tab">
            <input
              type="radio"
              name={name}
              checked={index === chosen}
              onChange={() => setChosen(index)}
            />
            {snippet.name}
          </label>
        ))}
      </fieldset>
      <div className="code">
        <div className="code-tools">
          <Copy text={code} />
        </div>
        {/* Long lines scroll, also by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0}>{code}</pre>
      </div>
    </div>
  );
}

/** The first page one sees: nothing has come through yet, or nothing of it is here. `isInside`: below a view's own title. */
export function FirstRun({ isInside = false }: { isInside?: boolean }) {
  useEffect(() => {
    if (!isInside) document.title = "Streamgauge";
  }, [isInside]);
  const Box = isInside ? "section" : "main";
  const Title = isInside ? "h2" : "h1";
  return (
    <Box className={isInside ? "first-run is-inside" : "page first-run"}>
      <Title>Point a client here</Title>
      <p className="lead">
        Change the base URL and nothing else. Streams pass through unchanged; each one is measured
        and shows up on this page while it runs.
      </p>
      <Snippets />
      <Waiting />
    </Box>
  );
}

/** An empty store does not mean that nothing came: only the workers know. */
function Waiting() {
  const { data } = useHealth();
  const served = data === undefined ? 0 : servedBy(data);
  return (
    <p className="waiting" role="status">
      <span className="waiting-dot" aria-hidden="true" />
      {served === 0 ? (
        `Waiting for the first request to ${location.origin}`
      ) : (
        <span>
          {served === 1 ? "1 request has" : `${count(served)} requests have`} come through, with no
          record here. <Link href="/health">See Health</Link>
        </span>
      )}
    </p>
  );
}
