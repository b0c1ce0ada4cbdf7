import { useRef } from "preact/hooks";
import { dimensionOf, said } from "../data/dimensions";
import { negated, oneOf, parseFilter, show } from "../data/filter";
import { LISTED } from "../data/lists";
import { withQuery } from "../data/route";
import { Icon } from "./Icon";

/** The filters that are set: each can be turned round and removed. `unused`: why the page does not obey them. */
export function Chips({ filters, unused }: { filters: string[]; unused?: string }) {
  const bar = useRef<HTMLDivElement>(null);
  const words = filters.map((text) => {
    const filter = parseFilter(text);
    return filter ? said(filter) : (["", text] as const);
  });
  // The button that was pressed is gone; the keyboard goes on from here.
  const without = (rest: string[]) => {
    bar.current?.focus();
    show(rest);
  };
  return (
    <div class={filters.length ? "chips" : "chips unset"} ref={bar} tabIndex={-1} role="group" aria-label="Filters">
      {filters.length > 0 && (
        <ul>
          {filters.map((text, at) => {
            const [lead, values] = words[at]!;
            const name = `${lead} ${values}`.trim();
            const dimension = LISTED.find((listed) => oneOf(listed)(text)) ?? "";
            const more = `Choose more ${dimensionOf(dimension).many.toLowerCase()}`;
            return (
              <li key={`${at}`}>
                <button type="button" class="said" title={`${name} – press to turn it round`} onClick={() => show(filters.with(at, negated(text)))}>
                  {lead}{" "}
                  <b>
                    <bdi>{values}</bdi>
                  </b>
                </button>
                {dimension !== "" && (
                  <a class="tool" href={withQuery({ all: dimension, at: null })} aria-label={`${more}: ${name}`} title={more}>
                    <Icon name="plus" />
                  </a>
                )}
                <button type="button" class="tool" aria-label={`Remove: ${name}`} title="Remove" onClick={() => without(filters.toSpliced(at, 1))}>
                  <Icon name="close" />
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {filters.length > 1 && (
        <button type="button" class="link" onClick={() => without([])}>
          Clear all
        </button>
      )}
      {filters.length > 0 && unused && <p class="hinted">{unused}</p>}
      <span class="unseen" role="status">
        {words.length ? `Filters: ${words.map((each) => each.join(" ")).join("; ")}` : ""}
      </span>
    </div>
  );
}
