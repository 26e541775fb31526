import { expect, test } from "vitest";

import { readRange, since } from "./range";

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
