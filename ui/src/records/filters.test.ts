import { expect, test } from "vitest";

import { summary } from "../testing";
import { describe, matches, readFilters, readSort, without, withValues, writeFilters } from "./filters";

test("the address comes back as it was, with several values and odd characters", () => {
  const address = "/?outcome=truncated&outcome=stalled&model=a%2Fb&q=two+words&max_gap_ms.gte=2000";
  expect(writeFilters(readFilters(address.slice(1)))).toBe(address);
});

test("how a list is cut and ordered is no filter, nor is a search for nothing", () => {
  expect(readFilters("?cursor=x&limit=5&sort=-cost_usd&q=&model=m")).toEqual([["model", "m"]]);
});

test("an empty value asks for absence and is kept", () => {
  expect(readFilters("?user_id=")).toEqual([["user_id", ""]]);
  expect(matches([["user_id", ""]], summary())).toBe(true);
  expect(matches([["user_id", ""]], summary({ user_id: "ada" }))).toBe(false);
});

test("no filter is the bare address", () => expect(writeFilters([])).toBe("/"));

test("setting a column's values replaces them and leaves the others", () => {
  const filters = readFilters("?model=a&q=x&model=b");
  expect(withValues(filters, "model", ["c"])).toEqual([["q", "x"], ["model", "c"]]);
  expect(withValues(filters, "model", [])).toEqual([["q", "x"]]);
  expect(without(filters, ["model", "a"])).toEqual([["q", "x"], ["model", "b"]]);
});

test("values of one column are alternatives, columns add up", () => {
  const record = summary({ outcome: "stalled", model: "gpt-4o" });
  expect(matches(readFilters("?outcome=stalled&outcome=truncated"), record)).toBe(true);
  expect(matches(readFilters("?outcome=stalled&model=other"), record)).toBe(false);
  expect(matches(readFilters("?streaming=true&http_status=200"), record)).toBe(true);
});

test("what only the store can tell is not guessed", () => {
  expect(matches(readFilters("?q=hello"), summary())).toBeNull();
  expect(matches(readFilters("?ttft_ms.gte=100"), summary({ ttft_ms: 5 }))).toBeNull();
  expect(matches(readFilters("?property.env=prod"), summary())).toBeNull();
  expect(matches(readFilters("?finish_reasons=stop"), summary())).toBeNull();
});

test("a plain no is a no, whatever the store would say to the rest", () => {
  expect(matches(readFilters("?q=hello&model=other"), summary())).toBe(false);
});

test.each([
  [["max_gap_ms.gte", "2000"], "max gap ≥ 2.0 s"],
  [["http_status.not", "200"], "http status is not 200"],
  [["property.env", "prod"], "env is prod"],
  [["session_id", ""], "session id is none"],
  [["cost_usd.gt", "0.5"], "cost usd > 0.5"],
] as const)("%s reads %s", (filter, words) => expect(describe(filter)).toBe(words));

test("the order is part of the address, and the usual one is not written", () => {
  expect(readSort("?model=a&sort=-ttft_ms")).toBe("-ttft_ms");
  expect(readSort("?model=a")).toBeNull();
  expect(readSort("?sort=-started_at")).toBeNull();
  expect(writeFilters([["model", "a"]], "-ttft_ms")).toBe("/?model=a&sort=-ttft_ms");
  expect(writeFilters([], null)).toBe("/");
});
