import { useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import { go, withQuery } from "../data/route";

/** What a visitor may ask for: all that is stored about them, and that it goes. */
export function Person({ visitor }: { visitor: string }) {
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<Refused | null>(null);
  const path = `/api/visitors/${encodeURIComponent(visitor)}`;
  const erase = async () => {
    try {
      await ask(path, "DELETE");
      go(withQuery({ visitor: null, session: null }));
    } catch (refused) {
      setError(refused as Refused);
    }
  };
  return (
    <section class="panel danger" aria-labelledby="person-head">
      <h2 id="person-head">This visitor's data</h2>
      <p class="hinted">
        Erasing takes this visitor out of every number within seconds and removes everything stored about them within minutes. This cannot be undone.
      </p>
      <p class="row">
        <a class="button quiet" href={`${path}/export`} download>
          Export
        </a>
        {asked ? (
          <>
            <button class="button danger" onClick={erase}>
              Erase for ever
            </button>
            <button class="button quiet" onClick={() => setAsked(false)}>
              Keep
            </button>
          </>
        ) : (
          <button class="button danger" onClick={() => setAsked(true)}>
            Erase…
          </button>
        )}
      </p>
      {error && <p role="alert">{error.message}</p>}
    </section>
  );
}
