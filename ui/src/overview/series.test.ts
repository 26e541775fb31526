import { expect, test } from "vitest";

import type { Bucket } from "../api/types";
import { isGrowing, seriesOf } from "./series";

const bucket = (time: string, count: number, ttft: number) =>
  ({ time, count, errors: 0, cost_usd: 1, ttft_p50_ms: ttft }) as Bucket;

test("steps without records have no requests, and no latency", () => {
  const buckets = [bucket("2026-01-01T00:00:00Z", 3, 100), bucket("2026-01-01T00:03:00Z", 2, 200)];
  const series = seriesOf(buckets, 60);
  expect(series.times.length).toBe(4);
  expect(series.values("count")).toEqual([3, 0, 0, 2]);
  expect(series.values("cost_usd")).toEqual([1, 0, 0, 1]);
  expect(series.values("ttft_p50_ms")).toEqual([100, null, null, 200]);
});

test("more steps than can be drawn stay as they were given", () => {
  const buckets = [bucket("2020-01-01T00:00:00Z", 3, 1), bucket("2026-01-01T00:00:00Z", 2, 2)];
  expect(seriesOf(buckets, 1).values("count")).toEqual([3, 2]);
});

test("the last step grows until it is over", () => {
  const times = [60, 120];
  expect(isGrowing({ times, bucketS: 60, askedAtS: 179 })).toBe(true);
  expect(isGrowing({ times, bucketS: 60, askedAtS: 180 })).toBe(false);
  expect(isGrowing({ times, bucketS: null, askedAtS: 179 })).toBe(false);
});
