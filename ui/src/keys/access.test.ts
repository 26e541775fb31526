import { describe, expect, it } from "vitest";

import { ApiError } from "../api/client";
import { isKeyAmiss, listed } from "./access";

describe("isKeyAmiss", () => {
  it.each([
    [new ApiError("no key", 401), true],
    [new ApiError("too small", 403), false],
    [new ApiError("nobody", 0), false],
    [new TypeError("ours"), false],
  ])("%s: %s", (error, expected) => {
    expect(isKeyAmiss(error)).toBe(expected);
  });
});

describe("listed", () => {
  it("reads as one says it", () => {
    expect(listed([])).toBe("none");
    expect(listed(["log"])).toBe("log");
    expect(listed(["log", "read", "admin"])).toBe("log, read, and admin");
  });
});
