import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useMe } from "../data/access";
import { ask, type Refused } from "../data/api";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import type { Rebuild, Site } from "../data/types";

const POLL = 1_000; // ms while it is under way

interface Props {
  site: Site;
  /** Settings that are not saved would not be applied. */
  unsaved?: boolean;
  children?: ComponentChildren;
}

/** Today's settings applied to the sessions of the past: asked for here by whoever may, and told how far it is. */
export function Past({ site, unsaved, children }: Props) {
  const role = useMe().role(site.id);
  const may = role !== null && role !== "viewer";
  const [tick, setTick] = useState(0);
  const [error, setError] = useState<Refused | null>(null);
  const [asking, setAsking] = useState(false);
  const path = `/api/sites/${encodeURIComponent(site.id)}/rebuild`;
  const { data } = useLoad<Rebuild>(may ? path : null, () => path, tick);
  const open = data?.state === "accepted" || data?.state === "running";
  useEffect(() => {
    if (!open) return;
    const timer = setTimeout(() => setTick((n) => n + 1), POLL);
    return () => clearTimeout(timer);
  }, [data, open]);
  if (!may || !data) return <div class="past">{children}</div>;

  const start = async () => {
    setAsking(true);
    setError(null);
    try {
      await ask(path, "POST");
      setTick((n) => n + 1);
    } catch (refused) {
      setError(refused as Refused);
    }
    setAsking(false);
  };
  const { state, done, visitors, asked_at } = data;
  return (
    <div class="past">
      {children}
      {open ? (
        <>
          <progress aria-label="Applied to the past" max={visitors || 1} value={state === "running" && visitors ? done : undefined} />
          <p class="hinted" role="status">
            {state === "accepted" ? "Waiting for a worker…" : visitors ? `${format.count(done)} of ${format.count(visitors)} visitors judged anew…` : "Judging anew…"}
          </p>
        </>
      ) : (
        <div class="row">
          <button type="button" class="button quiet" disabled={asking || unsaved} onClick={start}>
            {state === "failed" ? "Try again" : "Apply to the past"}
          </button>
          <p class="hinted" role="status">
            {unsaved
              ? "Save first."
              : state === "done"
                ? `Applied to ${format.count(visitors)} visitors; asked for on ${format.moment(asked_at!, site.settings.timezone)}.`
                : state === "failed" && "The workers did not get through with it. What was judged anew stays."}
          </p>
        </div>
      )}
      {error && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
    </div>
  );
}
