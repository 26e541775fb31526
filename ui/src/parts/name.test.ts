import { expect, test } from "vitest";

import { nameOf } from "./name";

test.each([
  [{ model: "m", path: "/v1", outcome: "completed" }, "m"],
  [{ model: null, path: "/v1", outcome: "completed" }, "/v1"],
  [{ model: null, path: "/v1", outcome: "open" }, "…"],
  [{ model: null, path: null, outcome: "completed" }, "unnamed"],
] as const)("%j is called %s", (record, name) => {
  expect(nameOf(record)).toBe(name);
});
