import { expect, test } from "vitest";

import { loneOf } from "./points";

test("a value without neighbours stands alone, whatever it is and wherever", () => {
  expect(loneOf([0, null, 3, 4, null, 5, null, null, 6])).toEqual([0, 5, 8]);
  expect(loneOf([1])).toEqual([0]);
  expect(loneOf([1, 2, 3])).toEqual([]);
  expect(loneOf([null, undefined])).toEqual([]);
});
