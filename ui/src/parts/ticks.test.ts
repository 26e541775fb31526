import { expect, test } from "vitest";

import { timeTicks } from "./ticks";

const at = (day: number, hour: number, minute = 0, second = 0) => {
  return new Date(2026, 10, day, hour, minute, second).getTime() / 1000;
};

test("the day stands under the first tick and under the first of each day", () => {
  expect(timeTicks([at(29, 18), at(30, 0), at(30, 6)], 6 * 3600)).toEqual([
    "18:00\nNov 29",
    "00:00\nNov 30",
    "06:00",
  ]);
});

test("seconds are told where the steps are that small", () => {
  expect(timeTicks([at(30, 9, 0, 30), at(30, 9, 1, 0)], 30)).toEqual(["09:00:30\nNov 30", "09:01:00"]);
});

test("steps of days are days", () => {
  expect(timeTicks([at(29, 0), at(30, 0)], 86_400)).toEqual(["Nov 29", "Nov 30"]);
});
