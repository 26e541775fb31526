import { expect, test } from "vitest";

import { readRange, since, wordsOf } from "./range";

test("the last hour begins an hour ago, whenever it is asked for", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  expect(since("last=hour&model=a", now).toString()).toBe(
    "model=a&started_at.gte=2026-11-23T11%3A00%3A00.000Z",
  );
  expect(since("last=all", now).toString()).toBe("");
  expect(since("last=nonsense", now).toString()).toBe("");
});

test("a range is named, chosen, or all", () => {
  expect(readRange("?last=day").name).toBe("day");
  expect(readRange("").name).toBe("all");
  expect(readRange("?started_at.gte=2026-11-23T11:00:00Z").name).toBeNull();
});

test("a chosen part reads as its bounds", () => {
  const now = new Date(2026, 10, 23, 18);
  const at = (hour: number) => new Date(2026, 10, 23, hour, 5, 7).toISOString();
  const query = new URLSearchParams({ "started_at.gte": at(9), "started_at.lte": at(10) });
  expect(wordsOf(query, now)).toBe("09:05:07 – 10:05:07");
  query.delete("started_at.gte");
  expect(wordsOf(query, now)).toBe("until 10:05:07");
  expect(wordsOf(new URLSearchParams({ "started_at.gte": at(9) }), new Date(2026, 10, 24))).toBe(
    "since Nov 23, 09:05:07",
  );
});
