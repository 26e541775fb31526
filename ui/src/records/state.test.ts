import { expect, test } from "vitest";

import { addressOf, questionOf, readState, withTime } from "./state";

test("the address comes back as it was, with several values and odd characters", () => {
  const address =
    "/?outcome=truncated&outcome=stalled&model=a%2Fb&q=two+words&max_gap_ms.gte=2000&last=day&sort=-ttft_ms&columns=model+cost_usd";
  expect(addressOf(readState(address.slice(1)))).toBe(address);
});

test("what is usual is not written", () => {
  const usual = readState("?sort=-started_at&last=all&q=");
  expect(usual).toEqual({ filters: [], sort: null, last: null, columns: null });
  expect(addressOf(usual)).toBe("/");
  expect(readState("?last=nonsense").last).toBeNull();
});

test("no column but the time can be wanted, too", () => {
  expect(readState("?columns=").columns).toEqual([]);
  expect(addressOf(readState("?columns="))).toBe("/?columns=");
});

test("the API is asked for a moment where the address says the last hour", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const question = questionOf(readState("?model=a&last=hour&sort=-ttft_ms&columns=model"), now);
  expect(Object.fromEntries(question)).toEqual({
    model: "a",
    sort: "-ttft_ms",
    "started_at.gte": "2026-11-23T11:00:00.000Z",
  });
});

test("a part of the time takes the place of the one before, and goes away again", () => {
  const { filters } = readState("?started_at.gte=2026-11-23T11:00:00Z&model=a");
  const part = withTime(filters, [1_795_435_200, 1_795_435_260.5]);
  expect(part).toEqual([
    ["model", "a"],
    ["started_at.gte", "2026-11-23T12:00:00.000Z"],
    ["started_at.lte", "2026-11-23T12:01:00.500Z"],
  ]);
  expect(withTime(part, null)).toEqual([["model", "a"]]);
});
