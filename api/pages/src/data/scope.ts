import { analytics, type Parameters } from "./api";
import { type Loaded, useLoad } from "./load";
import { type Comparison, type Interval, type Range, rangeParams } from "./range";
import type { Site } from "./types";

/** What every panel of a dashboard asks about. */
export interface Scope {
  site: Site;
  range: Range;
  /** How long a bucket of a series is. */
  interval: Interval;
  /** With what the range is compared; null where nothing was counted then. */
  compared: Comparison | null;
  /** As the API takes them. */
  filters: string[];
  zone: string;
  tick: number;
}

interface Options {
  /** false asks nothing. */
  ask?: boolean;
  /** About the period that the range is compared with. */
  previous?: boolean;
}

/** One of the site's answers in the scope's range. */
export function useAnswer<T>(name: string, scope: Scope, more: Parameters = {}, { ask = true, previous = false }: Options = {}): Loaded<T> {
  const { site, range, zone, tick, filters, compared } = scope;
  const about = previous ? compared : null;
  const question = JSON.stringify([name, site.id, range, zone, filters, more, about]);
  const address = () => analytics(site.id, name, { ...rangeParams(range, zone, about, Date.now()), filter: filters, ...more });
  return useLoad<T>(ask && (!previous || compared) ? question : null, address, tick);
}

export interface Both<T> {
  now: T;
  /** Of the period that the range is compared with, once it is there. */
  before: T | null;
}

/** The answer, and what it was in the period that the range is compared with, which holds nothing up. */
export function useBoth<T>(name: string, scope: Scope, more: Parameters = {}, { ask = true, before: earlier = more }: { ask?: boolean; before?: Parameters } = {}): Loaded<Both<T>> {
  const now = useAnswer<T>(name, scope, more, { ask });
  const before = useAnswer<T>(name, scope, earlier, { ask, previous: true });
  return { ...now, data: now.data && { now: now.data, before: scope.compared && !now.busy && !before.busy && !before.error ? before.data : null } };
}
