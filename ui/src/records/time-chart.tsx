import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { ask } from "../api/client";
import { count } from "../format";
import { Chart } from "../parts/chart";
import { bandsOf } from "./bands";
import { questionOf, type ListState } from "./state";
import { TimeChartPlace } from "./time-chart-place";

const REFRESH_MS = 15_000;
const HEIGHT = 110;

interface Props {
  state: ListState;
  isPaused: boolean;
  /** A part of the time was drawn over, in seconds since 1970; null: all of it again. */
  onSelect: (part: readonly [from: number, to: number] | null) => void;
}

/** When the records of the list began, and how they ended. */
export function TimeChart({ state, isPaused, onSelect }: Props) {
  const { filters, last } = state;
  const { data } = useQuery({
    queryKey: ["stats", "outcomes", filters, last],
    queryFn: ({ signal }) => {
      const query = questionOf({ filters, last, sort: null });
      query.set("bucket", "auto");
      query.set("group_by", "outcome");
      return ask("/api/v1/stats", { query, signal });
    },
    placeholderData: keepPreviousData,
    refetchInterval: isPaused ? false : REFRESH_MS,
  });
  const bands = useMemo(() => data && bandsOf(data.buckets, data.bucket_s), [data]);
  if (bands === undefined) return <TimeChartPlace />;
  if (bands.bands.length === 0) return null;
  return (
    <Chart
      title="Records over time"
      times={bands.times}
      lines={bands.bands}
      format={count}
      columnS={data?.bucket_s ?? 1}
      height={HEIGHT}
      onSelect={(from, to) => onSelect([from, to])}
      onReset={() => onSelect(null)}
    />
  );
}
