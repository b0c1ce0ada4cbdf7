import { useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import { Field } from "../part/Field";

/** Another password. `old`: the one that was just typed in, which is not asked for again. */
export function Password({ old, onDone }: { old?: string; onDone: () => void }) {
  const [given, setGiven] = useState("");
  const [next, setNext] = useState("");
  const [error, setError] = useState<Refused | null>(null);
  const [busy, setBusy] = useState(false);
  const about = (field: string) => (error?.param === field ? error.message : null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await ask("/api/account/password", "POST", { old: old ?? given, new: next });
      setGiven("");
      setNext("");
      onDone();
    } catch (refused) {
      setError(refused as Refused);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={submit}>
      {old === undefined && (
        <Field label="Present password" secret name="old" autocomplete="current-password" required value={given} onText={setGiven} error={about("old")} />
      )}
      <Field
        label="New password"
        secret
        name="new"
        autocomplete="new-password"
        required
        hint="At least 12 characters. All other sessions end."
        value={next}
        onText={setNext}
        error={about("new")}
      />
      {error && !about("new") && !(old === undefined && about("old")) && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
      <button class="button" disabled={busy}>
        Change the password
      </button>
    </form>
  );
}
