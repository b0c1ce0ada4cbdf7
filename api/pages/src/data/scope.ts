import { analytics, type Parameters } from "./api";
import { type Loaded, useLoad } from "./load";
import { type Interval, type Range, rangeParams } from "./range";
import type { Site } from "./types";

/** What every panel of a dashboard asks about. */
export interface Scope {
  site: Site;
  range: Range;
  /** How long a bucket of a series is. */
  interval: Interval;
  compared: boolean;
  /** As the API takes them. */
  filters: string[];
  zone: string;
  tick: number;
}

/** One of the site's answers in the scope's range. `ask` false asks nothing; `previous` asks about the period before. */
export function useAnswer<T>(
  name: string,
  { site, range, zone, tick, filters }: Scope,
  more: Parameters = {},
  { ask = true, previous = false }: { ask?: boolean; previous?: boolean } = {},
): Loaded<T> {
  const question = JSON.stringify([name, site.id, range, zone, filters, more, previous]);
  const address = () => analytics(site.id, name, { ...rangeParams(range, zone, previous, Date.now()), filter: filters, ...more });
  return useLoad<T>(ask ? question : null, address, tick);
}
