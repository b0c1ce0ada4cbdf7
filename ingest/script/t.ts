/**
 * The tracking script. What it promises: one pageview a page, every event kept until the server has answered (in
 * localStorage, or in memory where that is blocked, forbidden or full), the same id on every retry, and no exception
 * in the page whatever happens. What it sends and the options of its tag are described in docs/script.md.
 *
 * Each waiting event has a storage key of its own: adding and removing are single atomic operations, so tabs cannot
 * overwrite each other's queue as they would one shared list. Whichever tab holds the lock sends everything there is.
 */

type Handler = (event: any) => void;

const DAY = 864e5; // older events would only be filtered as late
const MOST_WAITING = 299; // and one more
const BODY = 2e4; // characters: at three bytes each still within the 64 KiB that keepalive requests may have
const EVENT = 1e5; // characters, far beyond what the server takes; one that is longer than BODY travels alone
const URL_LENGTH = 6e4; // characters; the server reads 64 KiB
const SOON = 90; // ms in which events that happen together are gathered into one request
const PULSE = 6e4; // engaged ms between two reports, so that a long read stays in its session's reach
const TICK = 5e3; // ms between two looks at whether there is somebody
const GAP = 1e4; // ms after which nobody has looked: the machine slept, or its debugger held the page
const FILE = /\.(iso|pdf|deb|tar|apk|dmg|rar|7z|epub|txt|pkg|rtf|rpm|csv|mkv|mov|msi|zip|wav|mp[34]|gz|exe|(doc|ppt|xls)x?)$/i;

const win = window;
const doc = document;
const nav = navigator;
const here = location;
const now = Date.now;

const guard =
  (handler: Handler): Handler =>
  (event) => {
    try {
      handler(event);
    } catch {}
  };
const on = (target: EventTarget, types: string, handler: Handler) =>
  types.split(" ").forEach((type) => target.addEventListener(type, guard(handler), true));
const random = () => crypto.getRandomValues(new Uint32Array(3)).join("");
const visible = () => doc.visibilityState == "visible";
/** The nearest element on an event's way that a selector matches. It leads into shadow roots, as `target` does not. */
const within = (event: Event, selector: string): any =>
  event.composedPath().find((node: any) => node.matches?.(selector));

/**
 * JSON without the `toJSON` that a page has put on all arrays or objects (Prototype.js before 1.7), which makes texts of
 * them. A replacer is shown what came of it, and its `this` what it came from. A value's own `toJSON` stands.
 */
const json = (value: object) =>
  JSON.stringify(value, function (this: any, key: any, made) {
    key = this[key];
    return [[], {}].some((kind: any) => kind.toJSON == key?.toJSON) ? key : made;
  });

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

guard(() => {
  const script = (doc.currentScript || doc.querySelector("script[data-site],script[src*=site_]")) as HTMLScriptElement;
  const address = new URL(script.src, here.origin);
  const option: DOMStringMap = { ...Object.fromEntries(address.searchParams), ...script.dataset };
  const site = option.site;
  const stub: Throughline = win.throughline || { track() {} };
  if (!site || stub.on) return;
  stub.on = 1;
  win.throughline = stub;

  let disk: Storage | undefined;
  let device: Storage | undefined; // the same, also where nothing may be kept on it
  try {
    disk = device = win.localStorage;
  } catch {}

  if (
    option.allow != "local" &&
    (/^(|(.*\.)?local(host)?|127\..+|\[.+)$/.test(here.hostname) || nav.webdriver || "Cypress" in win)
  )
    return;

  const endpoint = new URL(option.api || "e", (option.api ? here : address) as URL);
  const prefix = "throughline:" + site + ":";
  const queue = prefix + "q:";
  const memory: Record<string, string> = {}; // what storage must not or would not take
  // Keys go on with the time, so sorting them is sorting by age.
  const keysOf = (start: string) =>
    [...Object.keys(memory), ...Object.keys(disk || {})].filter((key) => key.startsWith(start)).sort();
  const get = (key: string) => memory[key] || disk?.[key];
  const drop = (key: string) => {
    delete memory[key];
    disk?.removeItem(key);
  };
  const set = (key: string, text: any) => {
    drop(key);
    try {
      disk!.setItem(key, text);
    } catch {
      memory[key] = text;
    }
  };
  if (nav.globalPrivacyControl || "cookieless" in option) {
    keysOf(prefix).forEach(drop);
    disk = undefined;
  }

  let flying: string[] = []; // keys of the request under way

  /** The oldest waiting events that fit into one request and are in none: their keys, and the body. */
  const batch = (): [string[], string] => {
    const keys: string[] = [];
    let body = "";
    for (const key of keysOf(queue)) {
      const text = get(key);
      if (!text || now() - parseInt(key.slice(queue.length)) > DAY) drop(key);
      else if (!flying.includes(key)) {
        if (keys[98] || (body && body.length + text.length > BODY)) break;
        keys.push(key);
        body += (body && ",") + text.slice(0, -1) + ',"sent_at":' + now() + "}";
      }
    }
    return [keys, "[" + body + "]"];
  };

  let failures = 0;
  let resting = 0; // own backoff: no attempt before this time
  let timer = 0;
  let chain = Promise.resolve();
  const held = () => +(get(prefix + "until") || 0); // the server's Retry-After, known to every tab and to the next page
  const later = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  };

  const send = async (): Promise<void> => {
    const [keys, body] = batch();
    if (!keys[0]) return;
    const rest = Math.max(resting, held()) - now();
    // Not all at one moment, neither tabs nor visitors; a longer rest than a day is a clock that was put back.
    if (rest > 0 && rest < DAY) return later(rest + (rest * Math.random()) / 4);
    flying = keys;
    try {
      const answer = await fetch(endpoint, {
        method: "POST",
        body,
        keepalive: body.length < BODY,
        credentials: "omit",
        signal: AbortSignal.timeout?.(3e4),
      });
      const seconds = +answer.headers.get("Retry-After")!;
      if (seconds > 0) set(prefix + "until", now() + seconds * 1e3);
      if (answer.status > 299 && !/400|404|413/.test("" + answer.status)) throw 0;
      keys.forEach(drop);
      failures = 0;
    } catch {
      resting = now() + Math.min(1e3 * 2 ** failures++, 3e5);
    }
    flying = [];
    later(0);
  };
  // One request at a time: in this tab by the chain, among tabs by the lock (where a page may have one).
  const flush = () => (chain = chain.then(() => nav.locks?.request(prefix, send).catch(send) ?? send()));

  let view = "";
  let url = "";
  let seen: string; // page counted last
  let seq = 0;
  let since = NaN; // when the page was last found visible and focused, NaN while it is not
  let engaged = 0;
  let depth = -1;
  let told = -1; // the depth reported last
  let started: Element[] = []; // forms in which this view has typed

  const visitor = (): any => {
    const key = prefix + "id";
    try {
      // An id that cannot be kept would make a visitor of every page: the server's daily hash is better.
      disk![key] || disk!.setItem(key, random());
      return disk![key];
    } catch {}
  };

  const emit = (type: string, more: object) => {
    if (device?.throughline_ignore) return;
    const at = now();
    const id = random();
    const key = queue + at + "." + id;
    const event = { site, id, type, at, seq: ++seq, visitor: visitor(), view, url, ...more };
    const text = json(event);
    const keys = keysOf(queue);
    if (text.length > EVENT) return;
    if (keys[MOST_WAITING]) drop(keys[0]!);
    set(key, text);
    later(SOON);
    return (more: object) => get(key) && set(key, json({ ...event, ...more }));
  };

  const tick = () => {
    const time = performance.now();
    if (time - since < GAP) engaged += time - since;
    since = visible() && doc.hasFocus() ? time : NaN;
  };
  /** Notes how much has been seen, in per cent: of the document, or where that fits of what scrolls in its middle. */
  const look = (scrolled?: Event) => {
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
  const report = () => {
    tick();
    look();
    if (view && (engaged > 1 || depth > told)) {
      emit("engagement", { scroll: (told = depth), engaged_ms: engaged | 0 });
      engaged = 0;
    }
  };

  const title = () => ("" + doc.title).slice(0, 2e3);

  /** Counts the page the address bar shows, unless it was counted last; shown again from the cache it is another. */
  const page = guard((event) => {
    const route = "hash" in option ? here.hash.replace(/^#[/!]/, "/").split("#")[0] : ""; // of another fragment nothing
    const path = here.pathname + route;
    const name = spelled(path);
    if (name == seen && !event?.persisted) return;
    report();
    seen = name;
    const query = here.search.replace("?", path.includes("?") ? "&" : "?");
    const from = "" + (url || doc.referrer); // a text, whatever fields the page has given such a name
    url = (here.origin + path + query).slice(0, URL_LENGTH);
    view = random();
    depth = told = -1;
    engaged = 0;
    started = [];
    const amend = emit("pageview", {
      referrer: from.split("?")[0],
      screen: [screen.width, screen.height],
      title: title(),
    });
    // Routers name the page after they have moved to it.
    setTimeout(guard(() => amend!({ title: title() })), SOON / 2);
  });

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

  const early: any[] = (stub.q = stub.q || []);
  stub.track = (...call) => {
    early.push(call);
    begin(0);
  };
  const beat = guard(() => (engaged < PULSE ? tick() : report()));
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
    on(win, "popstate pageshow", page);
    on(win, "scroll", look);
    on(win, "focus blur", beat);
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
      const web = /^http/.test("" + to);
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
    on(win, "online", () => {
      resting = failures = 0;
      flush();
    });
    on(win, "pagehide", () => {
      report();
      view = "";
      const [keys, body] = batch();
      if (keys[0] && now() > held()) nav.sendBeacon(endpoint, body);
    });
    setInterval(beat, TICK);
    flush();
    on((win as any).navigation, "currententrychange", page); // at last, since not all browsers have it
  };

  on(doc, "prerenderingchange visibilitychange", begin);
  begin(0);
})(0);
