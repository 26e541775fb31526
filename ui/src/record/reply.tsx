import { useMemo } from "react";

import { bytesPath } from "../api/client";
import type { Choice, Fault, StreamRecord } from "../api/types";
import { bytes, counted, words } from "../format";
import { Fold } from "../parts/fold";
import { Json } from "../parts/json";
import { Said } from "../parts/said";
import { Text } from "../parts/text";
import { PictureView } from "./picture";
import { picturesOfChoice, type Picture } from "./pictures";
import { HeadersView, ToolCallView } from "./request";

const NO_CHOICES: readonly Choice[] = [];

/** What was answered, as far as it came. */
export function ReplyView({ record, liveText }: { record: StreamRecord; liveText: string | null }) {
  const { reply, response_text: text } = record;
  const choices = reply?.choices ?? NO_CHOICES;
  const isOpen = record.outcome === "open";
  // Words are drawn anew as they arrive, several times a second; what was drawn is looked for once.
  const drawn = useMemo(() => (isOpen ? choices.flatMap(picturesOfChoice) : []), [isOpen, choices]);
  return (
    <section className="panel said" aria-labelledby="reply-title">
      <h2 id="reply-title">Reply</h2>
      {isOpen || choices.length === 0 ? (
        <PlainReply
          text={liveText ?? text}
          pictures={drawn}
          isOpen={isOpen}
          none={isOpen ? "Nothing has arrived yet." : noneIn(record)}
        />
      ) : (
        choices.map((choice, index) => (
          <ChoiceView key={index} choice={choice} isOnly={choices.length === 1} />
        ))
      )}
      {(reply?.faults ?? []).map((fault, index) => (
        <FaultView key={index} fault={fault} />
      ))}
      {!isOpen && <RawResponse record={record} />}
      {reply && !isOpen && (
        <Fold title="Reply as JSON">
          <Json text={JSON.stringify(reply)} />
        </Fold>
      )}
      <HeadersView headers={record.response_headers} />
    </section>
  );
}

/** What arrived: to be had as far as it is kept, which it need not be at all. */
function RawResponse({ record }: { record: StreamRecord }) {
  const kept = record.bytes_kept ?? 0;
  const arrived = `${bytes(record.bytes_out)} in ${counted(record.chunks, "chunk")}`;
  const isCut = kept < record.bytes_out;
  return (
    <p className="raw-link">
      {kept > 0 ? (
        <>
          <a href={bytesPath(record.id)} target="_blank" rel="noreferrer">
            Raw response as it arrived
          </a>
          <span className="muted">{isCut ? `the first ${bytes(kept)} of ${arrived}` : arrived}</span>
        </>
      ) : (
        <span className="muted">
          {isCut ? `Raw response: ${arrived}, which are not kept.` : "No byte of a response arrived."}
        </span>
      )}
    </p>
  );
}

/** Why there is nothing to be shown of what was said. */
function noneIn({ reply, bytes_kept: kept, bytes_out: arrived }: StreamRecord): string {
  if (reply !== null) return "No content.";
  if (kept) return "What arrived could not be read as a reply.";
  return arrived > 0 ? "No reply was kept." : "There is no reply.";
}

interface PlainProps {
  text: string | null;
  pictures: readonly Picture[];
  isOpen: boolean;
  /** What to say where there is neither. */
  none: string;
}

function PlainReply({ text, pictures, isOpen, none }: PlainProps) {
  if (text || pictures.length > 0) {
    return (
      <article className="turn" data-role="assistant">
        <h3 className="role">{isOpen ? "arriving" : "text"}</h3>
        <div className="turn-parts">
          {text && <Text>{text}</Text>}
          <Pictures pictures={pictures} />
        </div>
      </article>
    );
  }
  return <p className="muted">{none}</p>;
}

function ChoiceView({ choice, isOnly }: { choice: Choice; isOnly: boolean }) {
  const role = choice.role ?? "assistant";
  const pictures = picturesOfChoice(choice);
  const isSilent =
    !choice.text &&
    !choice.refusal &&
    !choice.reasoning &&
    !choice.tool_calls?.length &&
    pictures.length === 0;
  return (
    <article className="turn" data-role="assistant">
      <h3 className="role">{isOnly ? role : `${role} ${(choice.index ?? 0) + 1}`}</h3>
      <div className="turn-parts">
        {choice.reasoning && (
          <Fold title="Reasoning" aside={counted(choice.reasoning.length, "character")}>
            <div className="reasoning">
              <Text>{choice.reasoning}</Text>
            </div>
          </Fold>
        )}
        {choice.text && <Said>{choice.text}</Said>}
        <Pictures pictures={pictures} />
        {choice.refusal && (
          <div className="refusal">
            <div className="tool-name">refusal</div>
            <Text>{choice.refusal}</Text>
          </div>
        )}
        {(choice.tool_calls ?? []).map((call, index) => (
          <ToolCallView key={index} name={call.name ?? "?"} json={call.arguments ?? ""} />
        ))}
        {isSilent && <p className="muted">No content.</p>}
        {choice.finish_reason && <p className="finish">finished: {words(choice.finish_reason)}</p>}
      </div>
    </article>
  );
}

function Pictures({ pictures }: { pictures: readonly Picture[] }) {
  return pictures.map((picture, index) => (
    <PictureView key={index} picture={picture} alt="Drawn by the model" />
  ));
}

function FaultView({ fault }: { fault: Fault }) {
  return (
    <div className="fault">
      <div className="tool-name">{fault.type ?? "fault"}</div>
      <Text>{fault.message ?? "No message."}</Text>
    </div>
  );
}
