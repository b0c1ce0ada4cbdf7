import { useLayoutEffect, useRef, useState } from "preact/hooks";
import * as format from "../data/format";
import { localNow, PRESET_NAMES, PRESETS, type Range, rangeQuery, shiftDate } from "../data/range";
import { go, withQuery } from "../data/route";
import { Icon } from "./Icon";

/** Ranges as a row of buttons, and two dates for any other; no "compare" where `compared` is null. */
export function RangePicker({ range, zone, compared }: { range: Range; zone: string; compared: boolean | null }) {
  const today = localNow(zone, Date.now()).date;
  const [open, setOpen] = useState(false);
  const [from, setFrom] = useState(range.preset === "custom" ? range.from : shiftDate(today, -13));
  const [to, setTo] = useState(range.preset === "custom" ? range.to : today);
  const box = useRef<HTMLDivElement>(null);

  // Not after the next frame: who is quick presses a key before it.
  useLayoutEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("keydown", away);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", away);
      removeEventListener("pointerdown", away);
    };
  }, [open]);

  const show = (chosen: Range) => {
    setOpen(false);
    go(withQuery(rangeQuery(chosen)));
  };
  const apply = (event: Event) => {
    event.preventDefault();
    if (from && to) show({ preset: "custom", from: from <= to ? from : to, to: from <= to ? to : from });
  };

  return (
    <div class="ranges">
      <div class="segments" role="group" aria-label="Range">
        {PRESETS.map((preset) => (
          <button key={preset} type="button" aria-pressed={range.preset === preset} onClick={() => show({ preset })}>
            {PRESET_NAMES[preset]}
          </button>
        ))}
        <div class="custom" ref={box}>
          <button type="button" aria-pressed={range.preset === "custom"} aria-expanded={open} onClick={() => setOpen(!open)}>
            {range.preset === "custom" ? `${format.date(range.from)} – ${format.date(range.to)}` : "Custom"}
          </button>
          {open && (
            <form class="popover" onSubmit={apply} aria-label="Custom range">
              <label>
                From
                <input type="date" required max={to} value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
              </label>
              <label>
                To
                <input type="date" required min={from} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
              </label>
              <button class="button">Show</button>
            </form>
          )}
        </div>
      </div>
      {compared !== null && (
        <button
          type="button"
          class="toggle"
          aria-pressed={compared}
          title="Compare with the period of the same length before"
          onClick={() => go(withQuery({ compare: compared ? "off" : null }))}
        >
          {compared && <Icon name="check" />}
          Compare
        </button>
      )}
    </div>
  );
}
