/**
 * Events that wait until the server has answered: in localStorage, or in memory where that is blocked, forbidden or full.
 *
 * Each has a storage key of its own: adding and removing are single atomic operations, so tabs cannot overwrite each
 * other's queue as they would one shared list.
 */
import { json, random } from "./base";
import { option } from "./option";

const enum Most {
  waiting = 299, // and one more
  characters = 1e5, // of an event, far beyond what the server takes
}

let disk: Storage | undefined;
export let device: Storage | undefined; // the same, also where nothing may be kept on it
export let prefix: string;
const memory: Record<string, string> = {}; // what storage must not or would not take

// Keys go on with the time, so sorting them is sorting by age.
export const keysOf = (start: string) =>
  [...Object.keys(memory), ...Object.keys(disk || {})].filter((key) => key.startsWith(start)).sort();
export const get = (key: string) => memory[key] || disk?.[key];
export const drop = (key: string) => {
  delete memory[key];
  disk?.removeItem(key);
};
export const set = (key: string, text: any) => {
  drop(key);
  try {
    disk!.setItem(key, text);
  } catch {
    memory[key] = text;
  }
};

/** Finds the storage, and forgets what is in it where nothing may be kept. */
export const open = () => {
  try {
    disk = device = window.localStorage;
  } catch {}
  prefix = "throughline:" + option.site + ":";
  if (navigator.globalPrivacyControl || "cookieless" in option) {
    keysOf(prefix).forEach(drop);
    disk = undefined;
  }
};

/** Keeps an event, unless it is too long; of too many the oldest goes. Returns what amends it while it waits. */
export const keep = (event: { at: number; id: string; [name: string]: unknown }) => {
  const key = prefix + "q:" + event.at + "." + event.id;
  const text = json(event);
  const keys = keysOf(prefix + "q:");
  if (text.length > Most.characters) return;
  if (keys[Most.waiting]) drop(keys[0]!);
  set(key, text);
  return (more: object) => get(key) && set(key, json({ ...event, ...more }));
};

export const visitor = (): any => {
  const key = prefix + "id";
  try {
    // An id that cannot be kept would make a visitor of every page: the server's daily hash is better.
    disk![key] || disk!.setItem(key, random());
    return disk![key];
  } catch {}
};
