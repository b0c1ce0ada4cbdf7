import { useState } from "preact/hooks";
import { Icon } from "../../part/Icon";
import { FROM_THEN_ON, Section, type SheetProps } from "./Section";

export function Pairs(props: SheetProps) {
  const [pairs, setPairs] = useState(props.site.settings.pairs.map(([start, ...finish]) => [start ?? "", finish.join(", ")] as [string, string]));
  const set = (at: number, pair: [string, string]) => setPairs(pairs.with(at, pair));
  const written = () =>
    pairs
      .map(([start, finish]) => [start.trim(), ...finish.split(",").map((type) => type.trim())].filter(Boolean))
      .filter((pair) => pair.length > 0);
  return (
    <Section
      {...props}
      id="pairs"
      fields={["pairs"]}
      title="Started and finished"
      hint={<>A session that starts one of these and finishes none of its ends hesitated. {FROM_THEN_ON}</>}
      change={() => ({ settings: { pairs: written() } })}
    >
      {(about) => (
        <>
          <ul class="pairs">
            {pairs.map(([start, finish], at) => (
              <li key={at}>
                <input
                  aria-label={`Started, pair ${at + 1}`}
                  value={start}
                  placeholder="form_start"
                  onInput={(event) => set(at, [event.currentTarget.value, finish])}
                />
                <Icon name="right" />
                <input
                  aria-label={`Finished by, pair ${at + 1}, several separated by commas`}
                  value={finish}
                  placeholder="form_submit"
                  onInput={(event) => set(at, [start, event.currentTarget.value])}
                />
                <button type="button" class="tool" aria-label={`Remove pair ${at + 1}`} onClick={() => setPairs(pairs.toSpliced(at, 1))}>
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
          {about("pairs") && (
            <p class="wrong" role="alert">
              {about("pairs")}
            </p>
          )}
          <button type="button" class="button quiet" onClick={() => setPairs([...pairs, ["", ""]])}>
            <Icon name="plus" />
            Add a pair
          </button>
        </>
      )}
    </Section>
  );
}
