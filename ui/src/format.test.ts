import { describe, expect, test } from "vitest";

import { ABSENT, bytes, clock, cost, count, counted, duration, exactMs, micros, rate, span } from "./format";

test("absent is a dash in every format, never 0", () => {
  for (const format of [duration, exactMs, micros, count, rate, cost, bytes]) {
    expect(format(null)).toBe(ABSENT);
    expect(format(undefined)).toBe(ABSENT);
  }
});

describe("zero is a value", () => {
  test.each([
    [duration(0), "0 ms"],
    [cost(0), "$0"],
    [count(0), "0"],
    [bytes(0), "0 B"],
  ])("%s", (shown, expected) => expect(shown).toBe(expected));
});

test.each([
  [0.42, "0.4 ms"],
  [9.94, "9.9 ms"],
  [9.97, "10 ms"],
  [412.4, "412 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [9300, "9.3 s"],
  [59_949, "59.9 s"],
  [59_960, "1 m 00 s"],
  [125_000, "2 m 05 s"],
  [3_599_600, "1 h 00 m"],
  [3_720_000, "1 h 02 m"],
])("a duration of %d ms reads %s", (ms, expected) => expect(duration(ms)).toBe(expected));

test.each([
  [0.000_421, "$0.00042"],
  [0.000_000_4, "$0.00000040"],
  [0.003, "$0.0030"],
  [0.0312, "$0.031"],
  [0.996, "$1.00"],
  [1.239, "$1.24"],
  [1234.5, "$1,234.50"],
])("%d dollars read %s", (usd, expected) => expect(cost(usd)).toBe(expected));

test.each([
  [999, "999 B"],
  [1000, "1.0 KB"],
  [31_400, "31 KB"],
  [999_600, "1.0 MB"],
  [52_428_800, "52 MB"],
])("%d bytes read %s", (n, expected) => expect(bytes(n)).toBe(expected));

test("rates keep a decimal where it matters", () => {
  expect(rate(54.23)).toBe("54.2");
  expect(rate(99.96)).toBe("100");
  expect(rate(1234.4)).toBe("1,234");
});

test("microseconds turn into milliseconds where they are many", () => {
  expect(micros(47.2)).toBe("47 µs");
  expect(micros(1500)).toBe("1.5 ms");
});

test("a noun follows its number", () => {
  expect(counted(1, "chunk")).toBe("1 chunk");
  expect(counted(1200, "chunk")).toBe("1,200 chunks");
});

test("the time of day says the day only where it is another one", () => {
  const now = new Date(2026, 10, 23, 18, 0, 0);
  expect(clock(new Date(2026, 10, 23, 4, 5, 6).toISOString(), now)).toBe("04:05:06");
  expect(clock(new Date(2026, 10, 22, 4, 5, 6).toISOString(), now)).toBe("Nov 22, 04:05");
});

test("a length of time has the largest unit that fits", () => {
  expect([0.5, 10, 90, 300, 21_600, 86_400].map(span)).toEqual(["0.5 s", "10 s", "90 s", "5 min", "6 h", "1 d"]);
});
