/** A stream as something to play: its text, and how much of it was there at any moment. Pure. */

export type Kind = "text" | "reasoning" | "refusal" | "tool";
export type Piece = readonly [ms: number, kind: string, text: string];

export const SPEEDS = [0.5, 1, 2, 5, 10] as const;

export interface Said {
  kind: string;
  text: string;
}

/** How many of the pieces had come at *ms*; they are in the order of their times. */
export function cameBy(pieces: readonly Piece[], ms: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.[0] ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What the first *count* pieces say, neighbours of one kind joined. */
export function saidBy(pieces: readonly Piece[], count: number): Said[] {
  const said: { kind: string; texts: string[] }[] = [];
  for (const [, kind, text] of pieces.slice(0, count)) {
    const last = said.at(-1);
    if (last?.kind === kind) last.texts.push(text);
    else said.push({ kind, texts: [text] });
  }
  return said.map(({ kind, texts }) => ({ kind, text: texts.join("") }));
}

/** The moment of the next piece after *ms*, or of the one before it; the ends stay. */
export function stepFrom(pieces: readonly Piece[], ms: number, by: 1 | -1): number {
  const came = cameBy(pieces, ms);
  if (by === 1) return pieces[came]?.[0] ?? ms;
  // Back to before the piece that came last, so that it is gone: to the one before it.
  const here = pieces[came - 1]?.[0];
  const before = pieces.slice(0, came).findLast(([at]) => at < (here ?? 0));
  return before?.[0] ?? 0;
}

/** What was said at each moment, whatever the kind. */
export function textsOf(pieces: readonly Piece[]): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  for (const [ms, , text] of pieces) texts.set(ms, (texts.get(ms) ?? "") + text);
  return texts;
}
