import { analytics } from "../data/api";
import * as format from "../data/format";
import { useLoad } from "../data/load";

/** How many people are on the site; nothing where that cannot be told. */
export function Now({ site, tick }: { site: string; tick: number }) {
  const { data } = useLoad<{ visitors: number }>(site, () => analytics(site, "now", {}), tick);
  if (data === null) return null;
  return (
    <span class={data.visitors ? "now" : "now nobody"} title="Visitors with an event in the last five minutes">
      <i aria-hidden="true" />
      {format.count(data.visitors)} <span>{data.visitors === 1 ? "visitor" : "visitors"}</span> now
    </span>
  );
}
