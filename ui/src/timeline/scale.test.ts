import { describe, expect, test } from "vitest";

import type { Chunk } from "../api/types";
import { summary } from "../testing";
import {
  barsOf,
  endOf,
  flagsOf,
  gapsOf,
  marksOf,
  nearest,
  phasesOf,
  tickLabel,
  ticksOf,
  volumeOf,
  zoomed,
} from "./scale";
import { summaryOf } from "./summary";

const record = summary({
  connect_ms: 3,
  headers_ms: 240,
  first_byte_ms: 241,
  first_event_ms: 241,
  ttft_ms: 260,
  last_token_ms: 9000,
  duration_ms: 9300,
});
const pixels = (ms: number) => ms / 10;

test("absent marks are left out, the others come in time's order", () => {
  expect(marksOf(record).map((mark) => mark.label)).toEqual([
    "Connected",
    "Headers",
    "First byte",
    "First event",
    "First content",
    "Last token",
    "End",
  ]);
});

test("the axis ends with the last thing that happened", () => {
  expect(endOf(record, [[9400, 10]])).toBe(9400);
  expect(endOf(summary({ duration_ms: 0.6 }), [])).toBe(0.6);
  expect(endOf(summary(), [])).toBe(1);
});

describe("gaps", () => {
  const chunks: Chunk[] = [[3000, 1], [5000, 1], [7001, 1], [7100, 1]];
  test("are silences of more than 2 s, not the wait for the first chunk", () => {
    expect(gapsOf(chunks, 7200)).toEqual([{ fromMs: 5000, toMs: 7001 }]);
  });
  test("count the silence before the end, too", () => {
    expect(gapsOf(chunks, 9500).at(-1)).toEqual({ fromMs: 7100, toMs: 9500 });
  });
  test("are none where nothing came", () => expect(gapsOf([], 9500)).toEqual([]));
});

describe("phases", () => {
  test.each([
    ["with reasoning", { ...record, first_reasoning_ms: 100 }, ["wait", "reason", "stream", "close"]],
    ["without", record, ["wait", "stream", "close"]],
    ["without content", summary({ first_byte_ms: 5, duration_ms: 9300 }), ["wait"]],
  ])("%s cover the time without holes", (_, times, kinds) => {
    const phases = phasesOf(times, 9300);
    expect(phases.map((phase) => phase.kind)).toEqual(kinds);
    expect(phases[0]?.fromMs).toBe(0);
    expect(phases.at(-1)?.toMs).toBe(9300);
    phases.slice(1).forEach((phase, index) => expect(phase.fromMs).toBe(phases[index]?.toMs));
  });
});

test("ticks are round and fit", () => {
  expect(ticksOf(9300, 900)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
  expect(ticksOf(1, 200)).toEqual([0, 0.5, 1]);
  for (const [end, width] of [[3, 1200], [780, 320], [61_000, 900], [7_200_000, 320]] as const) {
    const ticks = ticksOf(end, width);
    expect(ticks.length).toBeGreaterThan(1);
    expect(width / (ticks.length - 1)).toBeGreaterThan(60);
  }
});

test("ticks read in one unit", () => {
  expect([0, 500, 1000].map((ms) => tickLabel(ms, 5000))).toEqual(["0", "0.5 s", "1 s"]);
  expect(tickLabel(250, 900)).toBe("250 ms");
});

test("chunks of one pixel make one bar, as tall as the largest", () => {
  expect(barsOf([[0, 5], [4, 9], [21, 3]], pixels)).toEqual([
    { x: 0, bytes: 9 },
    { x: 2, bytes: 3 },
  ]);
});

test("the volume grows to the whole", () => {
  expect(volumeOf([[0, 1], [1, 1], [50, 2]], pixels)).toEqual([[0, 0.5], [5, 1]]);
  expect(volumeOf([[0, 0]], pixels)).toEqual([[0, 0]]);
});

test("the nearest chunk is found on both sides and beyond the ends", () => {
  const chunks: Chunk[] = [[10, 1], [20, 1], [40, 1]];
  expect([-5, 10, 14, 16, 29, 31, 99].map((ms) => nearest(chunks, ms))).toEqual([
    0, 0, 0, 1, 1, 2, 2,
  ]);
  expect(nearest([], 5)).toBe(-1);
});

describe.each([320, 900, 1600])("flags on %d pixels", (width) => {
  const flags = flagsOf(marksOf(record), (ms) => 8 + (ms / 9300) * (width - 16), width);
  const span = (flag: (typeof flags)[number]) => {
    const length = flag.text.length * 6.3;
    return flag.side === "right" ? [flag.x, flag.x + length] : [flag.x - length, flag.x];
  };
  test("show every mark within the picture", () => {
    expect(flags).toHaveLength(7);
    for (const flag of flags) {
      const [from = -1, to = Infinity] = span(flag);
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(width);
    }
  });
  test("never write over each other", () => {
    for (const a of flags) {
      for (const b of flags) {
        if (a === b || a.lane !== b.lane) continue;
        const [[a0 = 0, a1 = 0], [b0 = 0, b1 = 0]] = [span(a), span(b)];
        expect(a1 <= b0 || b1 <= a0).toBe(true);
      }
    }
  });
});

test("the summary says marks, chunks and gaps in words", () => {
  const words = summaryOf(record, [[241, 100], [260, 100], [5000, 300]]);
  expect(words).toContain("3 chunks with 500 B in 9.3 s.");
  expect(words).toContain("first content at 260 ms");
  expect(words).toContain("2 gaps of more than 2 s, the longest 4.7 s.");
});

test("a zoomed axis begins at a round step inside of it", () => {
  expect(ticksOf(1000, 400, 90, 400)).toEqual([400, 600, 800, 1000]);
});

test("zooming keeps its centre in place, and stays inside of the whole", () => {
  const whole = { fromMs: 0, toMs: 1000 };
  const half = zoomed(whole, 0.5, 250, 1000);
  expect(half).toEqual({ fromMs: 125, toMs: 625 });
  expect(zoomed(half, 4, 250, 1000)).toEqual(whole);
  expect(zoomed({ fromMs: 900, toMs: 1000 }, 2, 1000, 1000)).toEqual({ fromMs: 800, toMs: 1000 });
});
