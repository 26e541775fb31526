import { expect, test } from "vitest";

import { summary } from "../testing";
import { describe, matches, readFilters, without, withValues } from "./filters";

test("how a list is cut and ordered is no filter, nor is a search for nothing", () => {
  expect(readFilters("?cursor=x&limit=5&sort=-cost_usd&q=&model=m")).toEqual([["model", "m"]]);
});

test("an empty value asks for absence and is kept", () => {
  expect(readFilters("?user_id=")).toEqual([["user_id", ""]]);
  expect(matches([["user_id", ""]], summary())).toBe(true);
  expect(matches([["user_id", ""]], summary({ user_id: "ada" }))).toBe(false);
});

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
  expect(matches(readFilters("?ttft_ms.gte=100"), { outcome: "open" })).toBeNull();
  expect(matches(readFilters("?ttft_ms.gte=much"), summary({ ttft_ms: 5 }))).toBeNull();
  expect(matches(readFilters("?property.env=prod"), summary())).toBeNull();
  expect(matches(readFilters("?ttft_ms.exists=false"), summary({ ttft_ms: 5 }))).toBeNull();
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
  [["cost_usd.exists", "false"], "cost usd is absent"],
  [["property.env.exists", "true"], "env is present"],
] as const)("%s reads %s", (filter, words) => expect(describe(filter)).toBe(words));

test("a part of the time is decided here", () => {
  const record = summary({ started_at: "2026-11-23T12:00:00.000000Z" });
  expect(matches(readFilters("?started_at.gte=2026-11-23T11:00:00Z"), record)).toBe(true);
  expect(matches(readFilters("?started_at.gte=2026-11-23T13:00:00Z"), record)).toBe(false);
  expect(matches(readFilters("?started_at.lte=2026-11-23T11:59:59Z"), record)).toBe(false);
  const both = "?started_at.gte=2026-11-23T11:00:00Z&started_at.lte=2026-11-23T12:00:00Z";
  expect(matches(readFilters(both), record)).toBe(true);
  expect(matches(readFilters(`${both}&q=hello`), record)).toBeNull();
});

test("bounds of a number are decided here, and who has none is out of them", () => {
  const record = summary({ ttft_ms: 300 });
  expect(matches(readFilters("?ttft_ms.gte=300&ttft_ms.lte=300"), record)).toBe(true);
  expect(matches(readFilters("?ttft_ms.gt=300"), record)).toBe(false);
  expect(matches(readFilters("?ttft_ms.lt=300"), record)).toBe(false);
  expect(matches(readFilters("?ttft_ms.lt=300"), summary({ ttft_ms: null }))).toBe(false);
});
