import { expect, test } from "vitest";

import type { Health } from "../api/types";
import { add, type Sample } from "./samples";

function health(written: number, stored: number): Health {
  return {
    recorder: { lag_s: 0.5, records_stored: stored },
    workers: [{ journal: { written_bytes: written } }, { journal: {} }],
  } as Health;
}

test("rates are differences over the time between two looks", () => {
  const samples = add(add([], health(1000, 10), 10_000), health(3000, 14), 12_000);
  expect(samples).toMatchObject([
    { at: 10, lag: 0.5, written: null, stored: null },
    { at: 12, lag: 0.5, written: 1000, stored: 2 },
  ]);
});

test("a counter that fell gives no rate", () => {
  const samples = add(add([], health(1000, 10), 10_000), health(10, 12), 11_000);
  expect(samples.at(-1)).toMatchObject({ written: null, stored: 2 });
});

test("old samples are forgotten", () => {
  let samples: readonly Sample[] = [];
  for (let second = 0; second < 1000; second += 1) samples = add(samples, health(second, 0), 1000 * second);
  expect(samples.length).toBeLessThanOrEqual(300);
  expect(samples.at(-1)?.at).toBe(999);
});
