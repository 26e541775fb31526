/** Tables that are asked with words from outside, which may be `constructor` as well as any other. */

export function isOwn<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

/** What a table has under *key*; what all objects have is no part of it. */
export function own<V>(table: Readonly<Record<string, V>>, key: string): V | undefined {
  return isOwn(table, key) ? table[key] : undefined;
}
