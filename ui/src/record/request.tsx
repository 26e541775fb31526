import { useMemo } from "react";

import { bytes, counted } from "../format";
import { Fold } from "../parts/fold";
import { Json, prettyJson } from "../parts/json";
import { Said } from "../parts/said";
import { Text } from "../parts/text";
import { readConversation, type Part, type Turn } from "./conversation";
import { PictureView } from "./picture";

/** What was asked: the conversation, its settings, and the JSON as it was sent. */
export function Request({ body, headers }: { body: string | null; headers: Headers | undefined }) {
  const conversation = useMemo(() => (body ? readConversation(body) : null), [body]);
  return (
    <section className="panel said" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      {body === null && <p className="muted">Not kept, or without a body.</p>}
      {conversation?.turns.map((turn, index) => <TurnView key={index} turn={turn} />)}
      {conversation && conversation.settings.length + conversation.tools.length > 0 && (
        <ul className="settings" aria-label="Settings">
          {conversation.settings.map(([name, value]) => (
            <li key={name}>
              {name} <b>{value}</b>
            </li>
          ))}
          {conversation.tools.map((name) => (
            <li key={`tool ${name}`}>
              tool <b>{name}</b>
            </li>
          ))}
        </ul>
      )}
      {body !== null && (
        <Fold title="Raw request" aside={bytes(body.length)} isOpen={conversation === null}>
          <Json text={body} />
        </Fold>
      )}
      <HeadersView headers={headers} />
    </section>
  );
}

type Headers = Record<string, string> | null;

/** The headers that were kept: all but what is secret, which was never written down. */
export function HeadersView({ headers }: { headers: Headers | undefined }) {
  const rows = Object.entries(headers ?? {});
  if (rows.length === 0) return null;
  return (
    <Fold title="Headers" aside={counted(rows.length, "header")}>
      <dl className="headers">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Fold>
  );
}

function TurnView({ turn }: { turn: Turn }) {
  return (
    <article className="turn" data-role={turn.role}>
      <h3 className="role">{turn.role}</h3>
      <div className="turn-parts">
        {turn.parts.map((part, index) => (
          <PartView key={index} part={part} />
        ))}
      </div>
    </article>
  );
}

function PartView({ part }: { part: Part }) {
  switch (part.kind) {
    case "text":
      return <Said>{part.text}</Said>;
    case "reasoning":
      return (
        <Fold title="Reasoning">
          <Text>{part.text}</Text>
        </Fold>
      );
    case "tool_call":
      return <ToolCallView name={part.name} json={part.json} />;
    case "tool_result":
      return (
        <div className="tool-result">
          <Text>{part.text}</Text>
        </div>
      );
    case "image":
      return <PictureView picture={part} alt="Sent along with the request" />;
    case "other":
      return <p className="muted">[{part.type}]</p>;
  }
}

/** A tool that the model called, with the arguments it gave. */
export function ToolCallView({ name, json }: { name: string; json: string }) {
  return (
    <div className="tool-call">
      <div className="tool-name">{name}</div>
      <Text>{prettyJson(json)}</Text>
    </div>
  );
}
