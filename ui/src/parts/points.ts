/** Which values of a line would not be seen: a line needs two neighbours. Pure. */

export function loneOf(values: ArrayLike<number | null | undefined>): number[] {
  const isKnown = (at: number) => values[at] != null;
  return Array.from(values, (_, at) => at).filter((at) => isKnown(at) && !isKnown(at - 1) && !isKnown(at + 1));
}
