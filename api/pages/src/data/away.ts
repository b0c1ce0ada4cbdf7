/** Questions that the API could not answer for now: one place says so and asks them all again. */
import { useEffect, useState } from "preact/hooks";
import type { Refused } from "./api";

const [FIRST_SECONDS, MOST_SECONDS] = [5, 30];
const CHANGED = "throughline:away";
const waiting = new Map<object, () => void>();
let said = "";
let pause = FIRST_SECONDS;
let at = 0;

/** Not refused, only not now. */
export const isAway = ({ status }: Refused): boolean => status === 0 || (status >= 502 && status <= 504);

/** `who` asks `again` when it is time to. */
export function missed(who: object, error: Refused, again: () => void): void {
  if (waiting.size === 0 || at <= Date.now()) at = Date.now() + Math.max(error.retryAfter, pause) * 1000;
  waiting.set(who, again);
  said = error.message;
  dispatchEvent(new Event(CHANGED));
}

export function answered(who: object): void {
  if (!waiting.delete(who)) return;
  if (waiting.size === 0) pause = FIRST_SECONDS;
  dispatchEvent(new Event(CHANGED));
}

function askAgain(): void {
  pause = Math.min(2 * pause, MOST_SECONDS);
  at = Date.now() + pause * 1000;
  for (const again of [...waiting.values()]) again();
  dispatchEvent(new Event(CHANGED));
}

/** Seconds to the next try and why; null while everything is answered. */
export function useAway(): { seconds: number; message: string; again: () => void } | null {
  const [, count] = useState(0);
  useEffect(() => {
    const changed = () => count((n) => n + 1);
    const timer = setInterval(() => {
      if (waiting.size === 0) return;
      if (Date.now() >= at) askAgain();
      changed();
    }, 1000);
    addEventListener(CHANGED, changed);
    return () => {
      clearInterval(timer);
      removeEventListener(CHANGED, changed);
    };
  }, []);
  return waiting.size ? { seconds: Math.max(1, Math.ceil((at - Date.now()) / 1000)), message: said, again: askAgain } : null;
}
