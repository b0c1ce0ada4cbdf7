import { analytics } from "./api";
import { type Loaded, useLoad } from "./load";
import { type Range, rangeParams } from "./range";
import type { Site } from "./types";

/** What every panel of a dashboard asks about. */
export interface Scope {
  site: Site;
  range: Range;
  compared: boolean;
  zone: string;
  tick: number;
}

/** One of the site's answers in the scope's range. `ask` false asks nothing; `previous` asks about the period before. */
export function useAnswer<T>(
  name: string,
  { site, range, zone, tick }: Scope,
  more: Record<string, string | number | undefined> = {},
  { ask = true, previous = false }: { ask?: boolean; previous?: boolean } = {},
): Loaded<T> {
  const question = JSON.stringify([name, site.id, range, zone, more, previous]);
  const address = () => analytics(site.id, name, { ...rangeParams(range, zone, previous, Date.now()), ...more });
  return useLoad<T>(ask ? question : null, address, tick);
}
