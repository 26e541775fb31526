import { expect, test } from "vitest";

import { spanOf } from "./span";

test("a chart shows its data from the first to the last", () => {
  expect(spanOf(3, 100, 160)).toEqual([100, 160]);
  expect(spanOf(3, 100, 160, 30)).toEqual([100, 190]);
});

test("a single value is a short while, whatever uPlot makes of it", () => {
  expect(spanOf(1, 100, 86_400_100)).toEqual([70, 130]);
  expect(spanOf(1, 100, 86_400_100, 5)).toEqual([100, 105]);
});
