import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { csv, type Table } from "../data/csv";
import type { Loaded } from "../data/load";
import { Copy } from "./Copy";
import { Icon } from "./Icon";
import { Failure, Skeleton } from "./State";
import { Numbers } from "./Numbers";

interface Props<T> {
  title: string;
  load: Loaded<T>;
  /** How the numbers are counted. */
  definition: string | ((data: T) => string);
  table: (data: T) => Table;
  children: (data: T) => ComponentChildren;
  /** The panel draws a picture, so its numbers are offered as a table too. */
  picture?: boolean;
  /** What to say instead of the content when there is nothing to show. */
  empty?: (data: T) => ComponentChildren | false;
  lines?: number;
  wide?: boolean;
  tools?: ComponentChildren;
  /** What the panel can be of, by key: tabs in the place of its title. */
  choices?: { names: Record<string, string>; chosen: string; choose: (key: string) => void };
}

/** One card that loads on its own: skeleton, then data, or an error with "try again". */
export function Panel<T>({ title, load, definition, table, children, picture, empty, lines = 6, wide, tools, choices }: Props<T>) {
  const [explained, explain] = useState(false);
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const { data, error, busy } = load;
  const tabs = useRef<HTMLDivElement>(null);
  const chosen = choices?.chosen;
  useEffect(() => {
    // The row of tabs may be wider than a phone is.
    const [row, tab] = [tabs.current, tabs.current?.querySelector<HTMLElement>("[aria-pressed=true]")];
    if (row && tab) row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.clientWidth) / 2;
  }, [chosen]);
  const nothing = data !== null && empty ? empty(data) : false;

  return (
    <section class={wide ? "panel wide" : "panel"} aria-labelledby={id} aria-busy={busy}>
      <header>
        <h2 id={id} class={choices && "unseen"}>
          {title}
        </h2>
        {choices && (
          <div class="choices" ref={tabs} role="group" aria-label={`${title} by`}>
            {Object.entries(choices.names).map(([key, name]) => (
              <button key={key} type="button" aria-pressed={key === choices.chosen} onClick={() => choices.choose(key)}>
                {name}
              </button>
            ))}
          </div>
        )}
        <div class="tools">
          {tools}
          {picture && data !== null && !nothing && (
            <button
              type="button"
              class="tool"
              aria-pressed={asTable}
              aria-label={`${title} as a table`}
              title="Show as a table"
              onClick={() => setAsTable(!asTable)}
            >
              <Icon name={asTable ? "chart" : "table"} />
            </button>
          )}
          {data !== null && !nothing && <Copy small label={`Copy ${title} as CSV`} text={() => csv(table(data))} />}
          <button
            type="button"
            class="tool"
            aria-expanded={explained}
            aria-controls={`${id}-how`}
            aria-label={`${title}: how is this counted?`}
            title="How is this counted?"
            onClick={() => explain(!explained)}
          >
            <Icon name="help" />
          </button>
        </div>
      </header>
      <p class="how" id={`${id}-how`} hidden={!explained}>
        {typeof definition === "string" ? definition : data !== null ? definition(data) : ""}
      </p>
      {error ? (
        <Failure error={error} again={load.again} />
      ) : data === null ? (
        <Skeleton lines={lines} chart={picture} />
      ) : (
        <div class={busy ? "body stale" : "body"}>
          {nothing ? <div class="nothing">{nothing}</div> : asTable ? <Numbers table={table(data)} caption={title} /> : children(data)}
        </div>
      )}
    </section>
  );
}
