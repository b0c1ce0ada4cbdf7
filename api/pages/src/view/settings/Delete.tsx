import { useState } from "preact/hooks";
import { ask, type Refused } from "../../data/api";
import { go } from "../../data/route";
import type { Site } from "../../data/types";
import { Field } from "../../part/Field";

export function Delete({ site }: { site: Site }) {
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<Refused | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await ask(`/api/sites/${site.id}`, "DELETE");
      go("/sites");
    } catch (refused) {
      setError(refused as Refused);
    }
  };
  return (
    <section class="panel danger" id="delete" aria-labelledby="delete-head">
      <h2 id="delete-head">Delete this site</h2>
      <p class="hinted">Its numbers disappear at once and its data is removed. This cannot be undone.</p>
      <form onSubmit={submit}>
        <Field label={`Type the site's name, ${site.name}, to confirm`} value={typed} onText={setTyped} autocomplete="off" error={error?.message} />
        <button class="button" disabled={typed !== site.name}>
          Delete {site.name}
        </button>
      </form>
    </section>
  );
}
