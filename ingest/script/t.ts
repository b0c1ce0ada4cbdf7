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
const MOST_WAITING = 300;
const BODY = 2e4; // characters: at three bytes each still within the 64 KiB that keepalive requests may have
const SOON = 90; // ms in which events that happen together are gathered into one request
const PULSE = 6e4; // engaged ms between two reports, so that a long read stays in its session's reach
const FILE = /\.(7z|apk|avi|csv|deb|dmg|docx?|epub|exe|gz|iso|mkv|mov|mp[34]|msi|pdf|pkg|pptx?|rar|rpm|rtf|tar|txt|wav|xlsx?|zip)$/i;

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
  types.split(" ").forEach((type) => target.addEventListener(type, guard(handler), { capture: true, passive: true }));
const random = () => Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");

guard(() => {
  const script = (doc.currentScript || doc.querySelector("script[data-site]")) as HTMLScriptElement;
  const option = script.dataset;
  const site = option.site;
  const stub: Throughline = win.throughline || { track() {} };
  if (!site || stub.on) return;
  stub.on = 1;
  win.throughline = stub;

  let disk: Storage | undefined;
  guard(() => (disk = win.localStorage))(0);
  const device = disk;
  const ignored = () => device && device.getItem("throughline_ignore");

  if (
    option.allow != "local" &&
    (here.protocol == "file:" ||
      /^(localhost|127\.[\d.]+|\[::1]|.*\.(localhost|local))$/.test(here.hostname) ||
      nav.webdriver ||
      "Cypress" in win)
  ) {
    stub.track = () => {};
    return;
  }

  const endpoint = option.api ? new URL(option.api, here.href).href : new URL("e", script.src).href;
  const prefix = "throughline:" + site + ":";
  const queue = prefix + "q:";
  const stored = () => Object.keys(disk || {}).filter((key) => key.startsWith(prefix));
  if (nav.globalPrivacyControl || "cookieless" in option) {
    stored().forEach((key) => disk!.removeItem(key));
    disk = undefined;
  }

  const memory: Record<string, string> = {}; // what storage must not or would not take
  const get = (key: string) => memory[key] || (disk && disk.getItem(key));
  const set = (key: string, text: string) => {
    try {
      disk!.setItem(key, text);
      delete memory[key];
    } catch {
      memory[key] = text;
    }
  };
  const drop = (key: string) => {
    delete memory[key];
    if (disk) disk.removeItem(key);
  };
  // Keys go on with the time in base 36, so sorting them is sorting by age.
  const waiting = () =>
    [...new Set([...Object.keys(memory), ...stored()])].filter((key) => key.startsWith(queue)).sort();

  let flying: string[] = []; // keys of the request under way

  /** The oldest waiting events that fit into one request and are in none: their keys, and the body. */
  const batch = (): [string[], string] => {
    const keys: string[] = [];
    let body = "";
    for (const key of waiting()) {
      const text = get(key);
      if (!text || now() - parseInt(key.slice(queue.length, queue.length + 8), 36) > DAY) {
        drop(key);
        continue;
      }
      if (flying.includes(key)) continue;
      if (keys.length > 98 || (body && body.length + text.length > BODY)) break;
      keys.push(key);
      body += (body ? "," : "[") + text.slice(0, -1) + ',"sent_at":' + now() + "}";
    }
    return [keys, body + "]"];
  };

  let failures = 0;
  let resting = 0; // own backoff: no attempt before this time
  let timer = 0;
  let chain = Promise.resolve();
  const held = () => +get(prefix + "until")! || 0; // the server's Retry-After, known to every tab and to the next page
  const later = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  };

  const send = async (): Promise<void> => {
    const [keys, body] = batch();
    if (!keys[0]) return;
    const rest = Math.max(resting, held()) - now();
    // Not all at one moment, neither tabs nor visitors; a longer rest than a day is a clock that was put back.
    if (rest > 0 && rest <= DAY) return later(rest + Math.random() * 1e3);
    flying = keys;
    try {
      const answer = await fetch(endpoint, {
        method: "POST",
        body,
        keepalive: true,
        credentials: "omit",
        signal: AbortSignal.timeout && AbortSignal.timeout(3e4),
      });
      const status = answer.status;
      flying = [];
      if (status < 300 || status == 400 || status == 404 || status == 413) {
        keys.forEach(drop);
        failures = 0;
        return later(0);
      }
      const seconds = +answer.headers.get("Retry-After")!;
      if (seconds > 0) set(prefix + "until", "" + (now() + Math.min(seconds * 1e3, DAY)));
    } catch {}
    flying = [];
    resting = now() + Math.min(1e3 * 2 ** failures++, 3e5) * (0.75 + Math.random() / 2);
    later(resting - now());
  };
  // One request at a time: in this tab by the chain, among tabs by the lock (where a page may have one).
  const flush = () => {
    chain = chain.then(() => (disk && nav.locks ? nav.locks.request(prefix, send).catch(send) : send()));
  };

  let view = "";
  let url = "";
  let seen = ""; // path of the pageview counted last
  let seq = 0;
  let since = 0; // when the page was last found visible and focused, 0 while it is not
  let engaged = 0;
  let depth = -1;
  let told = -1; // the depth reported last
  let started = new WeakSet<Element>(); // forms in which this view has typed

  const visitor = () => {
    if (!disk) return;
    const key = prefix + "id";
    // Where nothing can be kept, an id of one page would make a visitor of every page: the server's daily hash is better.
    guard(() => disk!.getItem(key) || disk!.setItem(key, random()))(0);
    return disk.getItem(key) || undefined;
  };

  const emit = (type: string, more: object) => {
    if (ignored()) return "";
    const at = now();
    const id = random();
    const key = queue + at.toString(36) + id;
    const text = JSON.stringify({ site, id, type, at, seq: ++seq, visitor: visitor(), view, url, ...more });
    const keys = waiting();
    if (text.length > BODY) return "";
    if (keys.length >= MOST_WAITING) drop(keys[0]!);
    set(key, text);
    later(SOON);
    return key;
  };

  const tick = () => {
    const time = performance.now();
    if (since) engaged += time - since;
    since = doc.visibilityState == "visible" && doc.hasFocus() ? time : 0;
  };
  const ratio = () => {
    const height = Math.max(doc.documentElement.scrollHeight, doc.body ? doc.body.scrollHeight : 0);
    return Math.floor(Math.min(1, (win.scrollY + win.innerHeight) / height || 0) * 1e4) / 100;
  };
  const report = (reached = ratio()) => {
    tick();
    depth = Math.max(depth, reached);
    const ms = Math.round(engaged);
    if (view && (ms > 0 || depth > told)) {
      emit("engagement", { scroll: (told = depth), engaged_ms: Math.min(ms, DAY) });
      engaged = 0;
    }
  };

  const title = () => [...doc.title].slice(0, 900).join("") || undefined;

  /** Counts the page the address bar shows, unless it is the one counted already; `reached` is the earlier one's depth. */
  const page = (reached?: number, again?: boolean) => {
    const route = "hash" in option ? here.hash.replace(/^#!?/, "/") : "";
    const path = here.pathname + route;
    if (path == seen && !again) return;
    report(reached);
    const referrer = seen ? url : doc.referrer;
    seen = path;
    url = here.origin + path + (route.includes("?") ? here.search.replace("?", "&") : here.search);
    view = random();
    depth = told = -1;
    engaged = 0;
    started = new WeakSet();
    const key = emit("pageview", {
      referrer: again ? undefined : referrer || undefined,
      title: title(),
      screen: [screen.width, screen.height],
    });
    // Routers name the page after they have moved to it.
    setTimeout(() => {
      const text = get(key);
      if (text) set(key, JSON.stringify({ ...JSON.parse(text), title: title() }));
    }, SOON / 2);
  };

  // By attribute, since a field called "id" or "name" hides the form's own property.
  const about = (form: Element) => {
    const [name] = ["id", "name", "action"].map((key) => form.getAttribute(key)).filter(Boolean);
    return { data: { form: (name || "form").split("?")[0] } };
  };
  const named = (element: Element | null) => {
    if (!element) return;
    const data: Record<string, string> = {};
    for (const { name, value } of Array.from(element.attributes))
      if (name.startsWith("data-event-")) data[name.slice(11)] = value;
    emit(element.getAttribute("data-event")!, { data });
  };

  const start = () => {
    page();
    tick();
    const early = stub.q || [];
    stub.track = (type, data, options) =>
      guard(() => emit("" + type, { data: data || undefined, revenue: options && options.revenue }))(0);
    delete stub.q;
    for (const call of Array.from(early)) stub.track.apply(stub, call as any);

    for (const name of ["pushState", "replaceState"] as const) {
      const original = history[name];
      history[name] = function (...change) {
        let reached: number | undefined;
        guard(() => (reached = ratio()))(0); // before the router draws the next page
        original.apply(this, change);
        guard(() => page(reached))(0);
      };
    }
    on(win, "popstate hashchange", () => page());
    on(win, "scroll", () => win.scrollY > 0 && (depth = Math.max(depth, ratio())));
    on(win, "focus blur", tick);
    on(doc, "visibilitychange", () => {
      tick();
      if (doc.visibilityState == "hidden") report();
      if (view) flush(); // else the page is being left, and its last words are on their way
    });
    on(doc, "click auxclick", (event: MouseEvent) => {
      const from = event.target as Element;
      if (event.button > 1 || !from.closest) return;
      const link = from.closest("a");
      if (link && /^http/.test(link.protocol)) {
        const more = { data: { url: link.origin + link.pathname } };
        if ("downloads" in option && (link.hasAttribute("download") || FILE.test(link.pathname))) emit("download", more);
        else if ("outbound" in option && link.host != here.host) emit("outbound_link", more);
      }
      named(from.closest("[data-event]:not(form)"));
    });
    on(doc, "input", (event) => {
      const form = event.target.form;
      if ("forms" in option && form && !started.has(form)) {
        started.add(form);
        emit("form_start", about(form));
      }
    });
    on(doc, "submit", (event) => {
      if ("forms" in option) emit("form_submit", about(event.target));
      named(event.target.closest("[data-event]"));
    });
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
    on(win, "pageshow", (event) => event.persisted && page(0, true));
    setInterval(
      guard(() => {
        tick();
        if (engaged > PULSE) report();
      }),
      15e3,
    );
    flush();
  };

  if (doc.prerendering) on(doc, "prerenderingchange", start);
  else start();
})(0);
