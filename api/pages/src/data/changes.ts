import { useState } from "preact/hooks";
import type { Refused } from "./api";

/** Changes of a list: after each the list is asked for again (`tick`), and what was refused is told. */
export function useChanges() {
  const [tick, setTick] = useState(0);
  const [error, setError] = useState<Refused | null>(null);
  const [busy, setBusy] = useState(false);
  const change = async (act: () => Promise<unknown>): Promise<boolean> => {
    setError(null);
    setBusy(true);
    try {
      await act();
      setTick((n) => n + 1);
      return true;
    } catch (refused) {
      setError(refused as Refused);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { tick, error, busy, change };
}
