import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask, type Refused } from "../../data/api";
import type { Settings, Site } from "../../data/types";
import { Icon } from "../../part/Icon";

export interface SheetProps {
  site: Site;
  onSaved: (site: Site) => void;
}

/** What a setting that the past does not obey says of it. */
export const FROM_THEN_ON = (
  <>
    Applies from now on; under <a href="#past">Friction</a> it is applied to the past.
  </>
);

interface SectionProps extends SheetProps {
  id: string;
  title: string;
  hint?: ComponentChildren;
  /** The fields that can show what is wrong with them; anything else is told at the end of the form. */
  fields?: string[];
  /** Nothing can be saved yet. */
  held?: boolean;
  change: () => { name?: string; domain?: string; settings?: { [K in keyof Settings]?: unknown } };
  /** Renders the fields; gets the message about a field (or any field that starts so), once refused. */
  children: (about: (field: string) => string | null) => ComponentChildren;
  /** What belongs to the section and is not saved with it. */
  foot?: ComponentChildren;
}

/** One form of its own: saved by itself, and refused by itself with the reason at its field. */
export function Section({ id, title, hint, fields = [], site, onSaved, held = false, change, children, foot }: SectionProps) {
  const [state, setState] = useState<"" | "busy" | "saved">("");
  const [error, setError] = useState<Refused | null>(null);
  const about = (field: string) => (error?.param === field || error?.param?.startsWith(`${field}.`) ? error!.message : null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setState("busy");
    setError(null);
    try {
      onSaved(await ask<Site>(`/api/sites/${site.id}`, "PATCH", change()));
      setState("saved");
    } catch (refused) {
      setError(refused as Refused);
      setState("");
    }
  };
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-head`}>
      <h2 id={`${id}-head`}>{title}</h2>
      {hint && <p class="hinted">{hint}</p>}
      <form onSubmit={submit} onInput={() => state === "saved" && setState("")}>
        {children(about)}
        {error && !fields.some(about) && (
          <p class="wrong" role="alert">
            {error.message}
          </p>
        )}
        <div class="row">
          <button class="button" disabled={held || state === "busy"}>
            Save
          </button>
          <span class="saved" role="status">
            {state === "saved" && (
              <>
                <Icon name="check" /> Saved
              </>
            )}
          </span>
        </div>
      </form>
      {foot}
    </section>
  );
}
