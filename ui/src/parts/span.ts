/** The time that a chart shows, in seconds, of data from *first* to *last*. */

// Around a value that is alone.
const ALONE_S = 30;

/** *columnS*: how long a column is, where there are columns; the last one has its width, too. */
export function spanOf(count: number, first: number, last: number, columnS?: number): [number, number] {
  // Of a single value uPlot says that it lasts for years.
  const end = count === 1 ? first : last;
  if (columnS !== undefined) return [first, end + columnS];
  return count === 1 ? [first - ALONE_S, first + ALONE_S] : [first, end];
}
