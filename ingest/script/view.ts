/** The pageview that is under way: which page it is of, how much of it was seen and for how long, and its events. */
import { doc, guard, here, now, random, visible } from "./base";
import { option } from "./option";
import { device, keep, visitor } from "./queue";
import { later, leave } from "./transport";

const enum Ms {
  soon = 90, // in which events that happen together are gathered into one request
  named = 45, // after which the page has its title: routers name it after they have moved to it
  pulse = 6e4, // engaged, between two reports, so that a long read stays in its session's reach
  gap = 1e4, // after which nobody has looked: the machine slept, or its debugger held the page
}
const enum Most {
  url = 6e4, // characters; the server reads 64 KiB
}

export let view = "";
let url = "";
let seen: string; // page counted last
let seq = 0;
let since = NaN; // when the page was last found visible and focused, NaN while it is not
let engaged = 0;
let depth = -1;
let told = -1; // the depth reported last
export let started: Element[] = []; // forms in which this view has typed

/** Makes an event of the view; returns what amends it while it waits. */
export const emit = (type: string, more: object) => {
  if (device?.throughline_ignore) return;
  later(Ms.soon);
  return keep({ site: option.site, id: random(), type, at: now(), seq: ++seq, visitor: visitor(), view, url, ...more });
};

export const tick = () => {
  const time = performance.now();
  if (time - since < Ms.gap) engaged += time - since;
  since = visible() && doc.hasFocus() ? time : NaN;
};

/** Notes how much has been seen, in per cent: of the document, or where that fits of what scrolls in its middle. */
export const look = (scrolled?: Event) => {
  let height = innerHeight;
  let scroller = doc.scrollingElement || doc.body;
  if (scroller.scrollHeight < height * 1.1)
    // What covers more than half of the window covers its middle. The last one is the outermost.
    for (const element of doc.elementsFromPoint(innerWidth / 2, height / 2))
      if (
        element.clientHeight > height / 2 &&
        element.scrollHeight > element.clientHeight &&
        /auto|scroll/.test(getComputedStyle(element).overflowY)
      ) {
        scroller = element;
        height = element.clientHeight;
      }
  // A page that is still empty fits, and some scroll without moving.
  if (!scrolled || scroller.scrollTop)
    depth = Math.max(depth, Math.min(100, ((scroller.scrollTop + height) / scroller.scrollHeight) * 100 || 0));
};

export const report = () => {
  tick();
  look();
  if (view && (engaged > 1 || depth > told)) {
    emit("engagement", { scroll: (told = depth), engaged_ms: engaged | 0 });
    engaged = 0;
  }
};

export const beat = guard(() => (engaged < Ms.pulse ? tick() : report()));

/** The page is left, with the last report of its view. */
export const end = () => {
  report();
  view = "";
  leave();
};

/**
 * A path spelled as the server's page function does, to be compared: ingest/contract/page.py. What it knows of session
 * ids besides is left out here; no app moves between two of them.
 */
const spelled = (path: string) =>
  new URL(
    "http://a" +
      encodeURI(path).replace(/%25([\da-f]{2})/gi, (byte, digits) =>
        /[\w.~-]/.test((byte = unescape("%" + digits))) ? byte : "%" + digits.toUpperCase(),
      ),
  ).pathname.replace(/;([a-z]{0,9}sess(ion)?_?id|sid)=[^/;]*|\/+$|\/(?=\/)/gi, "");

const title = () => ("" + doc.title).slice(0, 2e3);

/** Counts the page the address bar shows, unless it was counted last; shown again from the cache it is another. */
export const page = guard((event) => {
  const route = "hash" in option ? here.hash.replace(/^#[/!]/, "/").split("#")[0] : ""; // of another fragment nothing
  const path = here.pathname + route;
  const name = spelled(path);
  if (name == seen && !event?.persisted) return;
  report();
  seen = name;
  const query = here.search.replace("?", path.includes("?") ? "&" : "?");
  const from = "" + (url || doc.referrer); // a text, whatever fields the page has given such a name
  url = (here.origin + path + query).slice(0, Most.url);
  view = random();
  depth = told = -1;
  engaged = 0;
  started = [];
  const amend = emit("pageview", {
    referrer: from.split("?")[0],
    screen: [screen.width, screen.height],
    title: title(),
  });
  setTimeout(guard(() => amend!({ title: title() })), Ms.named);
});
