import { expect, test } from "vitest";

import type { Bucket } from "../api/types";
import { unpriced } from "./unpriced";

const bucket = (group: string, unknown: number) => ({ group, count: 20, cost_unknown: unknown }) as Bucket;

test("what has no price is told by how it ended", () => {
  expect(unpriced([bucket("http_error", 4), bucket("stalled", 3), bucket("open", 3), bucket("completed", 0)])).toBe(
    "10 not priced: 7 failed, 3 running",
  );
  expect(unpriced([bucket("completed", 2), bucket("client_left", 1)])).toBe(
    "3 not priced: 2 completed, 1 ended early",
  );
});

test("a sum without exception is one of all", () => {
  expect(unpriced([bucket("completed", 0)])).toBe("of all");
});
