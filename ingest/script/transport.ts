/**
 * Events on their way: whichever tab holds the lock sends everything that waits, and again until the server has
 * answered.
 */
import { now } from "./base";
import { endpoint } from "./option";
import { drop, get, keysOf, prefix, set } from "./queue";

const enum Most {
  ms = 864e5, // that an event waits; an older one would only be filtered as late
  characters = 2e4, // of a body: at three bytes each still within the 64 KiB that keepalive requests may have
}

let flying: string[] = []; // keys of the request under way
let failures = 0;
let resting = 0; // own backoff: no attempt before this time
let timer = 0;
let chain = Promise.resolve();

const held = () => +(get(prefix + "until") || 0); // the server's Retry-After, known to every tab and to the next page

/** The oldest waiting events that fit into one request and are in none: their keys, and the body. */
const batch = (): [string[], string] => {
  const keys: string[] = [];
  let body = "";
  for (const key of keysOf(prefix + "q:")) {
    const text = get(key);
    if (!text || now() - parseInt(key.split(":")[3]!) > Most.ms) drop(key);
    else if (!flying.includes(key)) {
      // One that is longer travels alone.
      if (keys[98] || (body && body.length + text.length > Most.characters)) break;
      keys.push(key);
      body += (body && ",") + text.slice(0, -1) + ',"sent_at":' + now() + "}";
    }
  }
  return [keys, "[" + body + "]"];
};

const send = async (): Promise<void> => {
  const [keys, body] = batch();
  if (!keys[0]) return;
  const rest = Math.max(resting, held()) - now();
  // Not all at one moment, neither tabs nor visitors; a longer rest than a day is a clock that was put back.
  if (rest > 0 && rest < Most.ms) return later(rest + (rest * Math.random()) / 4);
  flying = keys;
  try {
    const answer = await fetch(endpoint, {
      method: "POST",
      body,
      keepalive: body.length < Most.characters,
      credentials: "omit",
      signal: AbortSignal.timeout?.(3e4),
    });
    const seconds = +answer.headers.get("Retry-After")!;
    if (seconds > 0) set(prefix + "until", now() + seconds * 1e3);
    if (answer.status > 299 && !/400|404|413/.test(answer.status as any)) throw 0;
    keys.forEach(drop);
    failures = 0;
  } catch {
    resting = now() + Math.min(2 ** failures++ * 1e3, 3e5);
  }
  flying = [];
  later(0);
};

// One request at a time: in this tab by the chain, among tabs by the lock (where a page may have one).
export const flush = () => (chain = chain.then(() => navigator.locks?.request(prefix, send).catch(send) ?? send()));

export const later = (ms: number) => {
  clearTimeout(timer);
  timer = setTimeout(flush, ms);
};

/** The network is back. */
export const retry = () => {
  resting = failures = 0;
  flush();
};

/** The page is left: what waits goes in a way that outlives it. */
export const leave = () => {
  const [keys, body] = batch();
  if (keys[0] && now() > held()) navigator.sendBeacon(endpoint, body);
};
