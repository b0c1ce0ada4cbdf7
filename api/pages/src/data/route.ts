/** The address bar is the state: what is shown is read from it, and every change of what is shown goes through it. */
import { useLayoutEffect, useState } from "preact/hooks";

export interface Route {
  path: string;
  query: URLSearchParams;
}

const MOVED = "throughline:moved";

/** What stands before every address of this app where a proxy serves it below a path; addresses in here are without. */
export const BASE = document.querySelector<HTMLMetaElement>('meta[name="base"]')?.content ?? "";

const shares = (path: string) => path.startsWith("/share/");
const own = (path: string) => (path.startsWith(`${BASE}/`) ? path.slice(BASE.length) : path);

export const here = (): Route => ({ path: own(location.pathname), query: new URLSearchParams(location.search) });

/** Shows another address of this app; `replace` leaves no step for the back button. */
export function go(address: string, replace = false): void {
  if (BASE + address !== location.pathname + location.search)
    history[replace ? "replaceState" : "pushState"](null, "", BASE + address);
  dispatchEvent(new Event(MOVED));
}

/** The present address with some of its query changed; null removes a parameter, a list gives it several times. */
export function withQuery(change: Record<string, string | string[] | null>): string {
  const { path, query } = here();
  for (const [key, value] of Object.entries(change)) {
    query.delete(key);
    for (const each of value === null ? [] : [value].flat()) query.append(key, each);
  }
  return path + (query.size ? `?${query}` : "");
}

export function useRoute(): Route {
  const [route, setRoute] = useState(here);
  useLayoutEffect(() => {
    const moved = () => setRoute(here());
    addEventListener("popstate", moved);
    addEventListener(MOVED, moved);
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener(MOVED, moved);
    };
  }, []);
  return route;
}

/** Plain links to pages of this app are followed without loading it again. */
export function followLinks(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    // What a share link opened stays what it is: other pages are loaded, by who may.
    const ours = shares(here().path) ? shares(own(link.pathname)) : /^\/(login|sites|account)?(\/|$)/.test(own(link.pathname));
    if (link.origin !== location.origin || link.target || !ours) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    const other = link.pathname !== location.pathname;
    go(own(link.pathname) + link.search + link.hash);
    if (other) scrollTo(0, 0);
  });
}
