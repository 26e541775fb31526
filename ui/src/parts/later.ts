import { lazy, type ComponentType, type LazyExoticComponent } from "react";

// A server that is being replaced is back within seconds.
const PAUSES_MS = [200, 400, 800, 1600, 3000];

/**
 * A part of the page whose code comes when it is first drawn.
 *
 * React keeps the first answer for good, be it a failure; so what fails is asked for again here.
 */
export function later<P>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> {
  return lazy(async () => ({ default: await patiently(load) }));
}

async function patiently<T>(load: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await load();
    } catch {
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  return load();
}
