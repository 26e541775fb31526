import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";

import { ask } from "../api/client";
import type { Chunk, StreamRecord } from "../api/types";
import { duration, exactMs } from "../format";
import { isTyping } from "../records/use-list-keys";
import { endOf } from "../timeline/scale";
import { Timeline } from "../timeline/timeline";
import { cameBy, saidBy, SPEEDS, stepFrom, textsOf, type Piece } from "./playing";
import "./player.css";

const NO_PIECES: readonly Piece[] = [];

interface Props {
  record: StreamRecord;
  chunks: readonly Chunk[];
}

/** The timeline, with a player beneath it where anything came. */
export function Stream(props: Props) {
  const isEmpty = props.record.chunks === 0 && props.chunks.length === 0;
  return isEmpty ? <Timeline {...props} /> : <Player {...props} />;
}

/** The timeline, and the stream again on it: text and playhead move together. */
function Player({ record, chunks }: Props) {
  const wholeMs = endOf(record, chunks);
  const [isOpened, setOpened] = useState(false);
  const [isRead, setRead] = useState(false);
  const [speed, setSpeed] = useState(1);
  const clock = usePlayhead(wholeMs, speed);
  const { data, error } = useQuery({
    queryKey: ["replay", record.id],
    queryFn: ({ signal }) => {
      return ask("/api/v1/records/{record_id}/replay", { path: { record_id: record.id }, signal });
    },
    enabled: isOpened || isRead,
    staleTime: Infinity,
  });
  const pieces: readonly Piece[] = data?.pieces ?? NO_PIECES;
  const isReady = data !== undefined;

  const said = useMemo(() => textsOf(pieces), [pieces]);

  const toggle = () => {
    setOpened(true);
    clock.toggle();
  };
  useSpace(toggle);

  return (
    <Timeline
      record={record}
      chunks={chunks}
      headMs={isOpened ? clock.ms : null}
      saidAt={(ms) => said.get(ms) ?? ""}
      onRead={() => setRead(true)}
    >
      <div className="player" role="group" aria-label="Player">
        <div className="player-tools">
          <button type="button" className="button player-play" onClick={toggle} aria-keyshortcuts="Space">
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
              <path d={clock.isPlaying ? "M2 1h3v10H2zM7 1h3v10H7z" : "M2 1l9 5-9 5z"} fill="currentColor" />
            </svg>
            {clock.isPlaying ? "Pause" : "Play"}
          </button>
          <button
            type="button"
            className="button is-small"
            aria-label="One step back"
            disabled={!isReady}
            onClick={() => clock.seek(stepFrom(pieces, clock.ms, -1))}
          >
            ‹
          </button>
          <button
            type="button"
            className="button is-small"
            aria-label="One step on"
            disabled={!isReady}
            onClick={() => clock.seek(stepFrom(pieces, clock.ms, 1))}
          >
            ›
          </button>
          <fieldset className="tabs player-speeds">
            <legend className="visually-hidden">Speed</legend>
            {SPEEDS.map((one) => (
              <label key={one} className="tab">
                <input
                  type="radio"
                  name="speed"
                  checked={speed === one}
                  onChange={() => setSpeed(one)}
                />
                ×{one}
              </label>
            ))}
          </fieldset>
          <input
            type="range"
            className="player-seek"
            aria-label="Position"
            aria-valuetext={exactMs(clock.ms)}
            min={0}
            max={wholeMs}
            step="any"
            value={clock.ms}
            onChange={(event) => {
              setOpened(true);
              clock.seek(Number(event.target.value));
            }}
          />
          <output className="player-time">
            {duration(clock.ms)} / {duration(wholeMs)}
          </output>
        </div>
        {isOpened && error && <p className="muted">{error.message}</p>}
        {isOpened && isReady && <Screen pieces={pieces} ms={clock.ms} wholeMs={wholeMs} />}
      </div>
    </Timeline>
  );
}

/** What the reader had before their eyes at *ms*. */
function Screen({ pieces, ms, wholeMs }: { pieces: readonly Piece[]; ms: number; wholeMs: number }) {
  const came = cameBy(pieces, ms);
  const said = useMemo(() => saidBy(pieces, came), [pieces, came]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [came]);
  const since = ms - (pieces[came - 1]?.[0] ?? 0);
  const isSilent = since > 2000 && ms < wholeMs;
  return (
    <div className="screen" ref={box} data-silent={isSilent || undefined}>
      {said.map(({ kind, text }, index) => (
        <span key={index} className="screen-piece" data-kind={kind} dir="auto">
          {text}
        </span>
      ))}
      {pieces.length === 0 && <span className="muted">Nothing in this answer can be played.</span>}
      {ms < wholeMs && pieces.length > 0 && <span className="caret" aria-hidden="true" />}
      {isSilent && <span className="screen-silence">nothing for {duration(since)}</span>}
    </div>
  );
}

/** A clock that runs from 0 to *endMs* of the stream's own time. */
function usePlayhead(endMs: number, speed: number) {
  const [ms, setMs] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const at = useRef(0);

  useEffect(() => {
    if (!isPlaying) return undefined;
    let last: number | null = null;
    let frame = requestAnimationFrame(function tick(now) {
      at.current = Math.min(endMs, at.current + (last === null ? 0 : (now - last) * speed));
      last = now;
      setMs(at.current);
      if (at.current >= endMs) setPlaying(false);
      else frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, endMs]);

  const seek = (to: number) => {
    at.current = Math.min(endMs, Math.max(0, to));
    setMs(at.current);
  };
  const toggle = () => {
    if (!isPlaying && at.current >= endMs) seek(0);
    setPlaying(!isPlaying);
  };
  return { ms, isPlaying, seek, toggle };
}

/** The space bar plays and pauses, where it means nothing else. */
function useSpace(toggle: () => void): void {
  const latest = useRef(toggle);
  useEffect(() => {
    latest.current = toggle;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== " " || isTyping(target) || target.matches("button, summary, a, [role=slider]")) {
        return;
      }
      event.preventDefault();
      latest.current();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
