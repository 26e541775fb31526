import { expect, test } from "vitest";

import { COLUMNS } from "./columns";
import { layoutOf } from "./layout";

const namesAt = (width: number, chosen: readonly string[] | null = null) => {
  return layoutOf(COLUMNS, chosen, width).columns.map(({ name }) => name);
};

// From 600 on the columns are wider: fewer of them fit than just below.
test("of the usual columns as many are shown as fit, the most telling last to go", () => {
  for (let width = 320; width < 1600; width += 20) {
    const { columns, leastWidth } = layoutOf(COLUMNS, null, width);
    expect(leastWidth).toBeLessThanOrEqual(width);
    if (width !== 580) expect(columns.length).toBeLessThanOrEqual(namesAt(width + 20).length);
  }
  expect(namesAt(330)).toEqual(["model", "outcome", "ttft_ms"]);
  expect(namesAt(1310)).toContain("user_id");
});

test("what one chose is shown, in the table's order, whether it fits or not", () => {
  const chosen = ["cost_usd", "session_id", "model", "nonsense"];
  expect(namesAt(1310, chosen)).toEqual(["model", "cost_usd", "session_id"]);
  expect(namesAt(330, chosen)).toEqual(["model", "cost_usd", "session_id"]);
  expect(layoutOf(COLUMNS, COLUMNS.map(({ name }) => name), 1310).leastWidth).toBeGreaterThan(1310);
});

test("somebody takes what width is left over", () => {
  expect(layoutOf(COLUMNS, ["ttft_ms", "cost_usd"], 1310).template).toBe("118px 76px minmax(106px, 1fr)");
  expect(layoutOf(COLUMNS, ["model", "cost_usd"], 1310).template).toBe("118px minmax(170px, 3fr) 106px");
  expect(layoutOf(COLUMNS, [], 1310).template).toBe("1fr");
});

test("where the provider had to go it stands under the model, in taller rows", () => {
  expect(layoutOf(COLUMNS, null, 1310)).toMatchObject({ isTall: false, rowHeight: 37 });
  expect(layoutOf(COLUMNS, null, 800)).toMatchObject({ isTall: true, rowHeight: 48 });
  expect(layoutOf(COLUMNS, ["model"], 1310)).toMatchObject({ isTall: false });
  expect(layoutOf(COLUMNS, null, 330)).toMatchObject({ isCompact: true, rowHeight: 56 });
});

test("every column has a name of its own", () => {
  expect(new Set(COLUMNS.map(({ name }) => name)).size).toBe(COLUMNS.length);
  expect(new Set(COLUMNS.map(({ label }) => label)).size).toBe(COLUMNS.length);
});
