/** The views, in the order of the navigation: where each lives and what draws it. */
import { lazy, type ComponentType } from "react";

import { RecordsPage } from "./records/records-page";

export interface ViewProps {
  /** The query of the address; it holds the view's whole state. */
  search: string;
  /** What follows the view's path: the session of `/sessions/NAME`, or nothing. */
  rest: string;
}

export interface View {
  path: string;
  label: string;
  /** `g` and then this letter goes there. */
  letter: string;
  Page: ComponentType<ViewProps>;
}

export const RECORDS: View = { path: "/", label: "Records", letter: "r", Page: RecordsPage };

// All but the list come when they are first opened, so that the first load stays small.
export const VIEWS: readonly View[] = [
  {
    path: "/live",
    label: "Live",
    letter: "l",
    Page: lazy(() => import("./live/live-page").then((m) => ({ default: m.LivePage }))),
  },
  RECORDS,
  {
    path: "/overview",
    label: "Overview",
    letter: "o",
    Page: lazy(() => import("./overview/overview-page").then((m) => ({ default: m.OverviewPage }))),
  },
  {
    path: "/sessions",
    label: "Sessions",
    letter: "s",
    Page: lazy(() => import("./sessions/sessions-page").then((m) => ({ default: m.SessionsPage }))),
  },
  {
    path: "/users",
    label: "Users",
    letter: "u",
    Page: lazy(() => import("./rollups/users-page").then((m) => ({ default: m.UsersPage }))),
  },
  {
    path: "/models",
    label: "Models",
    letter: "m",
    Page: lazy(() => import("./rollups/models-page").then((m) => ({ default: m.ModelsPage }))),
  },
  {
    path: "/health",
    label: "Health",
    letter: "h",
    Page: lazy(() => import("./health/health-page").then((m) => ({ default: m.HealthPage }))),
  },
  {
    path: "/keys",
    label: "Keys",
    letter: "k",
    Page: lazy(() => import("./keys/keys-page").then((m) => ({ default: m.KeysPage }))),
  },
];

// Reached from other views, so it has no place in the navigation.
const HIDDEN: readonly View[] = [
  {
    path: "/compare",
    label: "Compare",
    letter: "",
    Page: lazy(() => import("./record/compare-page").then((m) => ({ default: m.ComparePage }))),
  },
];

/** The view of an address, and the rest of its path. */
export function viewOf(pathname: string): { view: View; rest: string } {
  const first = `/${pathname.split("/")[1] ?? ""}`;
  const view = [...VIEWS, ...HIDDEN].find((one) => one.path === first && first !== "/") ?? RECORDS;
  const rest = view === RECORDS ? "" : pathname.slice(view.path.length + 1);
  return { view, rest: decodeURIComponent(rest) };
}
