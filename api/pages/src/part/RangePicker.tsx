import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as format from "../data/format";
import { CALENDAR, type Comparison, COMPARISONS, localNow, PRESET_NAMES, PRESETS, type Preset, type Range, rangeQuery, shiftDate } from "../data/range";
import { go, withQuery } from "../data/route";
import { Popover } from "./Popover";

interface Props {
  range: Range;
  zone: string;
  /** What is chosen; undefined where nothing can be compared. */
  compared?: Comparison | null;
  /** Why there is no comparison although one is chosen. */
  uncovered?: string;
  children?: ComponentChildren;
}

/** Ranges as a row of buttons, the calendar's and any two dates behind the last of them, and what to compare with. */
export function RangePicker({ range, zone, compared, uncovered, children }: Props) {
  const today = localNow(zone, Date.now()).date;
  const custom = range.preset === "custom";
  const [from, setFrom] = useState(custom ? range.from.slice(0, 10) : shiftDate(today, -13));
  const [to, setTo] = useState(custom ? range.to.slice(0, 10) : today);

  const show = (chosen: Range) => go(withQuery(rangeQuery(chosen)));
  const button = (preset: Preset, close?: () => void) => (
    <button
      key={preset}
      type="button"
      aria-pressed={range.preset === preset}
      onClick={() => {
        close?.();
        show({ preset });
      }}
    >
      {PRESET_NAMES[preset]}
    </button>
  );
  const named = (CALENDAR as readonly string[]).includes(range.preset) && PRESET_NAMES[range.preset as Preset];

  return (
    <div class="ranges">
      <div class="segments" role="group" aria-label="Range">
        {PRESETS.map((preset) => button(preset))}
        <Popover
          name={custom ? format.span(range.from, range.to) : named || "Custom"}
          pressed={custom || Boolean(named)}
          label="Other ranges"
        >
          {(close) => (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                close();
                if (from && to) show({ preset: "custom", from: from <= to ? from : to, to: from <= to ? to : from });
              }}
            >
              <div class="segments">{CALENDAR.map((preset) => button(preset, close))}</div>
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
        </Popover>
      </div>
      {compared !== undefined && (
        <label class="comparison" title={uncovered}>
          <span>{uncovered ? "Nothing to compare" : "Compare"}</span>
          <select
            aria-label="Compare with"
            aria-description={uncovered}
            value={compared ?? "off"}
            onChange={({ currentTarget: { value } }) => go(withQuery({ compare: value === "previous" ? null : value }))}
          >
            <option value="off">Nothing</option>
            {Object.entries(COMPARISONS).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {children}
    </div>
  );
}
