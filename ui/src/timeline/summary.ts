import type { Chunk } from "../api/types";
import { bytes, counted, duration } from "../format";
import { endOf, gapsOf, marksOf, type Timed } from "./scale";

/** The timeline in words, for those who do not see it. */
export function summaryOf(record: Timed, chunks: readonly Chunk[]): string {
  const marks = marksOf(record).map((mark) => `${mark.label.toLowerCase()} at ${duration(mark.ms)}`);
  const total = chunks.reduce((sum, [, size]) => sum + size, 0);
  const gaps = gapsOf(chunks, record.duration_ms);
  const longest = Math.max(0, ...gaps.map((gap) => gap.toMs - gap.fromMs));
  return [
    chunks.length === 0 && record.chunks > 0
      ? `${counted(record.chunks, "chunk")} in ${duration(endOf(record, chunks))}.`
      : `${counted(chunks.length, "chunk")} with ${bytes(total)} in ${duration(endOf(record, chunks))}.`,
    marks.length > 0 ? `Marks: ${marks.join(", ")}.` : "No marks.",
    gaps.length > 0
      ? `${counted(gaps.length, "gap")} of more than 2 s, the longest ${duration(longest)}.`
      : "No gap of more than 2 s.",
  ].join(" ");
}
