/** What is listened to on the page: that it moves, what is pressed and typed in, and who looks at it. */
import { doc, guard, here, on, visible } from "./base";
import { option, stub } from "./option";
import { flush, retry } from "./transport";
import { beat, emit, end, look, page, report, started, tick, view } from "./view";

const enum Ms {
  tick = 5e3, // between two looks at whether there is somebody
}
const FILE = /\.(iso|pdf|deb|tar|apk|dmg|rar|7z|epub|txt|pkg|rtf|rpm|csv|mkv|mov|msi|zip|wav|mp[34]|gz|exe|(doc|ppt|xls)x?)$/i;

/** The nearest element on an event's way that a selector matches. It leads into shadow roots, as `target` does not. */
const within = (event: Event, selector: string): any =>
  event.composedPath().find((node: any) => node.matches?.(selector));

// By attribute, since a field called "id" or "name" hides the form's own property.
const about = (form: Element) => {
  const name = form.getAttribute("id") || form.getAttribute("name") || form.getAttribute("action") || "form";
  return { data: { form: name.split("?")[0] } };
};
const named = (element: Element | null) => {
  if (!element) return;
  const data: Record<string, string> = {};
  for (const { name, value } of element.attributes)
    if (name.startsWith("data-event-")) data[name.slice(11)] = value;
  emit(element.getAttribute("data-event")!, { data });
};

// When its handlers are through: only then is it known whether one of them has prevented it.
const submitted = guard((event) => {
  const form = event.target;
  setTimeout(
    guard(() => {
      if (event.defaultPrevented) return;
      if ("forms" in option) emit("form_submit", about(form));
      named(form.closest("[data-event]"));
    }),
  );
});

let early: any[]; // calls before somebody looks

/** Takes the page's calls, and starts when it is looked at. */
export const wait = () => {
  early = stub.q = stub.q || [];
  stub.track = (...call) => {
    early.push(call);
    begin(0);
  };
  on(doc, "prerenderingchange visibilitychange", begin);
  begin(0);
};

/** Starts when somebody looks at the page, or an event of its own says that it is at work; then watches who looks. */
const begin = guard(() => {
  if (!stub.q) {
    visible() ? tick() : report();
    if (view) flush(); // else the page is being left, and its last words are on their way
  } else if (!doc.prerendering && (visible() || "background" in option || early[0])) start();
});

const start = () => {
  delete stub.q;
  page(0);
  stub.track = (type, data, options) =>
    guard(() => emit("" + type, { data: data || {}, revenue: options?.revenue }))(0);
  for (const call of early) stub.track(...(call as [string]));

  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...change) {
      original.apply(this, change);
      page(0);
    };
  }
  on(window, "popstate pageshow", page);
  on(window, "scroll", look);
  on(window, "focus blur", beat);
  on(doc, "click auxclick keydown", (event) => {
    // A submit does not leave its shadow root, so it must be listened for there; before it comes a click or a key.
    for (const node of event.composedPath())
      if (node.nodeType == 11) node.addEventListener("submit", submitted, true);
    if (!(event.button < 2)) return;
    named(within(event, "[data-event]:not(form)"));
    const link = within(event, "a,area");
    if (!link) return;
    const to = new URL(link.href.baseVal ?? link.href, doc.baseURI); // the former of an SVG
    const name = link.getAttribute("download");
    const web = /^http/.test(to as any);
    const more = { data: { url: web ? to.origin + to.pathname : to.protocol + name } };
    if ("downloads" in option && (name != null || (web && FILE.test(to.pathname)))) emit("download", more);
    else if ("outbound" in option && web && to.host != here.host) emit("outbound_link", more);
  });
  on(doc, "input", (event) => {
    const form = event.target.form || within(event, "form");
    if ("forms" in option && !started.includes(form)) {
      started.push(form);
      emit("form_start", about(form));
    }
  });
  on(doc, "submit", submitted);
  on(window, "online", retry);
  on(window, "pagehide", end);
  setInterval(beat, Ms.tick);
  flush();
  on((window as any).navigation, "currententrychange", page); // at last, since not all browsers have it
};
