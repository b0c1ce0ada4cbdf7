/** How fresh a site's numbers are: one small question, and the panels ask again only when its answer names other data. */
import { asWhom } from "./api";
import { BASE } from "./route";
import { useEffect, useState } from "preact/hooks";
import { useTick } from "./load";
import type { Freshness } from "./types";

const SECONDS = 15;
const BLIND_SECONDS = 60; // where it cannot be asked

/** The answer (null until it has come), and a number that grows when the panels should ask again. */
export function useFreshness(site: string): { fresh: Freshness | null; known: boolean; tick: number; refresh: () => void } {
  const [second, refresh] = useTick(SECONDS);
  const [state, setState] = useState<{ fresh: Freshness | null; known: boolean; tick: number; tag: string | null; at: number }>({
    fresh: null,
    known: false,
    tick: 0,
    tag: null,
    at: Date.now(),
  });
  useEffect(() => {
    const abort = new AbortController();
    const told = (fresh: Freshness | null, tag: string | null) =>
      !abort.signal.aborted &&
      setState((was) => {
        const other = tag === null ? Date.now() - was.at > BLIND_SECONDS * 1000 : was.tag !== null && tag !== was.tag;
        return { fresh: fresh ?? was.fresh, known: true, tag: tag ?? was.tag, tick: was.tick + Number(other), at: other ? Date.now() : was.at };
      });
    // Not as `ask` asks: a page that waits at the sign-in is not to be moved by it, and 304 would hide how fresh it is.
    fetch(`${BASE}/api/sites/${encodeURIComponent(site)}/freshness`, { ...asWhom(), cache: "no-store", signal: abort.signal })
      .then(async (answer) => told(answer.ok ? await answer.json() : null, answer.headers.get("ETag")))
      .catch(() => told(null, null));
    return () => abort.abort();
  }, [site, second]);
  return { ...state, refresh };
}
