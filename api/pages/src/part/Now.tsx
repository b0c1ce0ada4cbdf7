import { analytics } from "../data/api";
import * as format from "../data/format";
import { useLoad, useTick } from "../data/load";
import type { Now as Answer } from "../data/types";

/** How many people are on the site; nothing where that cannot be told. */
export function Now({ site, tick }: { site: string; tick: number }) {
  const [minute] = useTick(60); // those who come no more go without a word
  const { data } = useLoad<Answer>(site, () => analytics(site, "now", {}), tick + minute);
  if (data === null) return null;
  return (
    <span class={data.visitors ? "now" : "now nobody"} title="Visitors with an event in the last five minutes">
      <i aria-hidden="true" />
      {format.count(data.visitors)} <span>{data.visitors === 1 ? "visitor" : "visitors"}</span> now
    </span>
  );
}
