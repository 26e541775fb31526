import { expect, test } from "vitest";

import { cameBy, saidBy, stepFrom, textsOf, type Piece } from "./playing";

const PIECES: Piece[] = [
  [100, "reasoning", "hm"],
  [200, "text", "Hel"],
  [200, "tool", "look"],
  [300, "text", "lo"],
];

test("a piece is there from its moment on", () => {
  expect([0, 99, 100, 200, 299, 300, 999].map((ms) => cameBy(PIECES, ms))).toEqual([0, 0, 1, 3, 3, 4, 4]);
  expect(cameBy([], 5)).toBe(0);
});

test("neighbours of one kind are one text", () => {
  const all: Piece[] = [...PIECES, [400, "text", "!"]];
  expect(saidBy(all, 5)).toEqual([
    { kind: "reasoning", text: "hm" },
    { kind: "text", text: "Hel" },
    { kind: "tool", text: "look" },
    { kind: "text", text: "lo!" },
  ]);
  expect(saidBy(all, 0)).toEqual([]);
});

test("steps go from moment to moment, and stay at the ends", () => {
  expect(stepFrom(PIECES, 0, 1)).toBe(100);
  expect(stepFrom(PIECES, 100, 1)).toBe(200);
  expect(stepFrom(PIECES, 300, 1)).toBe(300);
  expect(stepFrom(PIECES, 300, -1)).toBe(200);
  expect(stepFrom(PIECES, 250, -1)).toBe(100);
  expect(stepFrom(PIECES, 100, -1)).toBe(0);
});

test("what a chunk said is found by its moment", () => {
  expect([...textsOf(PIECES)]).toEqual([[100, "hm"], [200, "Hellook"], [300, "lo"]]);
});
