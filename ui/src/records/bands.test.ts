import { expect, test } from "vitest";

import type { Bucket } from "../api/types";
import { bandsOf } from "./bands";

const bucket = (time: string, group: string, count: number) => ({ time, group, count }) as Bucket;

test("outcomes that are taken alike share a band, and a step without any is empty", () => {
  const { times, bands } = bandsOf(
    [
      bucket("2026-01-01T00:00:00Z", "completed", 5),
      bucket("2026-01-01T00:00:00Z", "stalled", 1),
      bucket("2026-01-01T00:00:00Z", "http_error", 2),
      bucket("2026-01-01T00:00:00Z", "gateway_restarted", 1),
      bucket("2026-01-01T00:02:00Z", "stopped", 1),
      bucket("2026-01-01T00:02:00Z", "client_left", 3),
    ],
    60,
  );
  expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 60, 120]);
  expect(bands.map(({ label, values, total }) => [label, values, total])).toEqual([
    ["failed", [4, 0, 0], 4],
    ["ended early", [0, 0, 4], 4],
    ["completed", [5, 0, 0], 5],
  ]);
});

test("what is open has not ended", () => {
  const { bands } = bandsOf([bucket("2026-01-01T00:00:00Z", "open", 5)], 60);
  expect(bands).toEqual([]);
});

test("no records, no bands", () => {
  expect(bandsOf([], 1)).toEqual({ times: [], bands: [] });
});
