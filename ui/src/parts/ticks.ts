/** The words along a time axis: as short as they can be, the day where it changes. */

const HOUR_S = 3600;
const DAY_S = 86_400;

/** How far apart ticks may be, in seconds: no less than what the words can tell apart. */
export const TICK_STEPS_S = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 7, 14, 30, 90, 365, 3650].map((days) => days * DAY_S),
];

/** *moments* in seconds since 1970, *stepS* apart; two lines where a day begins or is not told yet. */
export function timeTicks(moments: readonly number[], stepS: number): string[] {
  let told = "";
  return moments.map((moment) => {
    const at = new Date(moment * 1000);
    const day = at.toLocaleDateString("en", { month: "short", day: "numeric" });
    if (stepS >= DAY_S) return day;
    const time = [at.getHours(), at.getMinutes(), ...(stepS < 60 ? [at.getSeconds()] : [])];
    const words = time.map((part) => String(part).padStart(2, "0")).join(":");
    if (day === told) return words;
    told = day;
    return `${words}\n${day}`;
  });
}
