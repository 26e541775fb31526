/** A session's records as the tree that their paths tell: `/plan/search` stands under `/plan`. */
import type { Summary } from "../api/types";
import { nameOf } from "../parts/name";

/** A path of the session with what is below it, or a record on it. Times are ms since 1970. */
export interface Node {
  key: string;
  name: string;
  depth: number;
  begin: number;
  end: number;
  /** Null for a path; its numbers are those of all records below. */
  record: Summary | null;
  records: number;
  cost: number | null;
}

interface Branch {
  name: string;
  path: string;
  records: Summary[];
  branches: Map<string, Branch>;
}

/** The rows of the tree, from the top, in the order in which things began. */
export function treeOf(records: readonly Summary[], now: number): Node[] {
  const root: Branch = { name: "", path: "", records: [], branches: new Map() };
  for (const record of records) branchOf(root, record.session_path ?? "").records.push(record);
  return rowsOf(root, -1, now).slice(1);
}

function branchOf(root: Branch, path: string): Branch {
  let branch = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const below: Branch = branch.branches.get(name) ?? {
      name,
      path: `${branch.path}/${name}`,
      records: [],
      branches: new Map(),
    };
    branch.branches.set(name, below);
    branch = below;
  }
  return branch;
}

function rowsOf(branch: Branch, depth: number, now: number): Node[] {
  const below = [
    ...branch.records.map((record) => [recordRow(record, depth + 1, now)]),
    ...[...branch.branches.values()].map((one) => rowsOf(one, depth + 1, now)),
  ].sort(([a], [b]) => (a?.begin ?? 0) - (b?.begin ?? 0));
  const leaves = below.flat().filter((node) => node.record !== null);
  const costs = leaves.map((node) => node.cost).filter((cost) => cost !== null);
  const own: Node = {
    key: branch.path,
    name: branch.name,
    depth,
    begin: Math.min(...leaves.map((node) => node.begin)),
    end: Math.max(...leaves.map((node) => node.end)),
    record: null,
    records: leaves.length,
    cost: costs.length > 0 ? costs.reduce((sum, cost) => sum + cost, 0) : null,
  };
  return [own, ...below.flat()];
}

function recordRow(record: Summary, depth: number, now: number): Node {
  const begin = Date.parse(record.started_at);
  const end = record.ended_at === null ? now : Date.parse(record.ended_at);
  return {
    key: record.id,
    name: nameOf(record),
    depth,
    begin,
    end: Math.max(begin, end),
    record,
    records: 1,
    cost: record.cost_usd,
  };
}
