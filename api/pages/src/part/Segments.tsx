import { useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import { show } from "../data/filter";
import type { Segment, Site } from "../data/types";
import { Icon } from "./Icon";
import { Popover } from "./Popover";

interface Props {
  site: Site;
  filters: string[];
  /** Not given: they can only be chosen. */
  onSaved?: () => void;
}

/** The site's saved sets of filters: to choose, to save the present one, to remove. */
export function Segments({ site, filters, onSaved }: Props) {
  const { segments } = site.settings;
  const [name, setName] = useState("");
  const [error, setError] = useState("");
  const set = JSON.stringify(filters);
  const chosen = segments.find(({ filter }) => JSON.stringify(filter) === set);
  if (!onSaved && segments.length === 0) return null;
  const save = async (next: Segment[]) => {
    try {
      await ask<Site>(`/api/sites/${site.id}`, "PATCH", { settings: { segments: next } });
      setError("");
      setName("");
      onSaved!();
    } catch (refused) {
      setError((refused as Refused).message);
    }
  };
  return (
    <Popover name={chosen?.name ?? "Segments"} label="Segments" class="button quiet" pressed={chosen !== undefined}>
      {(close) => (
        <div class="saved-filters">
          {segments.length === 0 && <p class="hinted">A segment is a set of filters with a name.</p>}
          <ul>
            {segments.map((segment, at) => (
              <li key={segment.name}>
                <button
                  type="button"
                  class="link"
                  aria-pressed={segment === chosen}
                  onClick={() => {
                    close();
                    show(segment === chosen ? [] : segment.filter);
                  }}
                >
                  {segment.name}
                </button>
                {onSaved && (
                  <button type="button" class="tool" aria-label={`Remove the segment ${segment.name}`} title="Remove" onClick={() => save(segments.toSpliced(at, 1))}>
                    <Icon name="close" />
                  </button>
                )}
              </li>
            ))}
          </ul>
          {!onSaved || chosen ? null : filters.length > 0 ? (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                void save([...segments.filter((each) => each.name !== name.trim()), { name: name.trim(), filter: filters }]);
              }}
            >
              <label>
                Save these filters as
                <input required maxLength={64} value={name} onInput={(event) => setName(event.currentTarget.value)} />
              </label>
              <button class="button">Save</button>
            </form>
          ) : (
            <p class="hinted">Press rows to filter, then save the filters here.</p>
          )}
          {error && (
            <p class="wrong" role="alert">
              {error}
            </p>
          )}
        </div>
      )}
    </Popover>
  );
}
