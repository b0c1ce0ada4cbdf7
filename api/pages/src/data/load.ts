import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Refused } from "./api";
import { answered, isAway, missed } from "./away";

export interface Loaded<T> {
  data: T | null;
  error: Refused | null;
  /** An answer to the present question is still under way; `data` may be the last question's. */
  busy: boolean;
  again: () => void;
}

/**
 * Asks whenever `question` or `tick` changes. A question that stays the same keeps its last answer while it is asked
 * again; `address` may differ every time (a range that ends now). A null question asks nothing.
 */
export function useLoad<T>(question: string | null, address: () => string, tick: number): Loaded<T> {
  const [state, setState] = useState<{ of: string | null; data: T | null; error: Refused | null; busy: boolean }>({
    of: null,
    data: null,
    error: null,
    busy: true,
  });
  const [tries, setTries] = useState(0);
  const current = useRef(address);
  current.current = address;
  const me = useRef({}).current;
  useEffect(() => () => answered(me), []);

  useEffect(() => {
    if (question === null) return answered(me);
    const abort = new AbortController();
    setState((was) => ({ ...was, busy: was.of !== question || was.error !== null }));
    ask<T>(current.current(), "GET", undefined, abort.signal).then(
      (data) => {
        answered(me);
        setState({ of: question, data, error: null, busy: false });
      },
      (error) => {
        if (abort.signal.aborted) return;
        if (isAway(error)) {
          missed(me, error, () => setTries((n) => n + 1));
          setState((was) => (was.of === question ? was : { of: question, data: null, error: null, busy: true }));
          return;
        }
        answered(me);
        // A refresh that fails leaves the numbers that are there; the next one may succeed.
        setState((was) =>
          was.of === question && was.data !== null && !(error.status >= 400 && error.status < 500)
            ? { ...was, busy: false }
            : { of: question, data: null, error, busy: false },
        );
      },
    );
    return () => abort.abort();
  }, [question, tick, tries]);

  const mine = state.of === question;
  return {
    data: state.data,
    error: mine ? state.error : null,
    busy: state.busy || !mine,
    again: () => setTries((n) => n + 1),
  };
}

/** A number that grows every `seconds` while the page is visible, and at once when it becomes visible again. */
export function useTick(seconds: number): [number, () => void] {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    let last = Date.now();
    const next = () => {
      last = Date.now();
      setTick((n) => n + 1);
    };
    const timer = setInterval(() => document.visibilityState === "visible" && next(), seconds * 1000);
    const shown = () => document.visibilityState === "visible" && Date.now() - last > seconds * 1000 && next();
    document.addEventListener("visibilitychange", shown);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [seconds]);
  return [tick, () => setTick((n) => n + 1)];
}
