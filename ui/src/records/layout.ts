/** Which columns a list of some width shows, and how wide each of them is. */

/** As much of a column as its place needs. */
export interface Sized {
  name: string;
  width: number;
  narrow?: number;
  share?: number;
  rank?: number;
}

export interface Layout<C extends Sized> {
  columns: readonly C[];
  /** The widths, as a CSS grid takes them; the first is that of the time. */
  template: string;
  /** What all need at least; more than there is where one chose more than fits. */
  leastWidth: number;
  /** The provider stands under the model, for it has no column of its own. */
  isTall: boolean;
  /** On a phone: what is said stands in several lines. */
  isCompact: boolean;
  rowHeight: number;
}

const COMPACT_UNDER = 600;
const TIME = { width: 118, narrow: 80 };
const HEIGHTS = { usual: 37, tall: 48, compact: 56 };

/** *chosen*: names of columns; null for the usual ones, as many as fit. */
export function layoutOf<C extends Sized>(
  all: readonly C[],
  chosen: readonly string[] | null,
  width: number,
): Layout<C> {
  const isCompact = width < COMPACT_UNDER;
  const widthOf = ({ width, narrow }: Pick<Sized, "width" | "narrow">) => {
    return isCompact ? (narrow ?? width) : width;
  };
  const sum = (columns: readonly Sized[]) => {
    return columns.reduce((total, column) => total + widthOf(column), widthOf(TIME));
  };
  let columns = chosen === null ? usual(all) : all.filter(({ name }) => chosen.includes(name));
  while (chosen === null && columns.length > 1 && sum(columns) > width) {
    const last = Math.max(...columns.map(({ rank = 0 }) => rank));
    columns = columns.filter(({ rank = 0 }) => rank < last);
  }
  const hasRoom = !columns.some(({ share }) => share !== undefined);
  const template = columns.map((column, at) => {
    // Somebody has to take what is left over.
    const share = column.share ?? (hasRoom && at === columns.length - 1 ? 1 : undefined);
    const least = `${widthOf(column)}px`;
    return share === undefined ? least : `minmax(${least}, ${share}fr)`;
  });
  const isTall = isCompact || (chosen === null && !columns.some(({ name }) => name === "provider"));
  return {
    columns,
    template: [columns.length > 0 ? `${widthOf(TIME)}px` : "1fr", ...template].join(" "),
    leastWidth: sum(columns),
    isTall,
    isCompact,
    rowHeight: isCompact ? HEIGHTS.compact : isTall ? HEIGHTS.tall : HEIGHTS.usual,
  };
}

/** The columns that one sees without having chosen any. */
export function usual<C extends Sized>(all: readonly C[]): C[] {
  return all.filter(({ rank }) => rank !== undefined);
}
