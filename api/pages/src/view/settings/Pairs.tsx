import { useState } from "preact/hooks";
import { Icon } from "../../part/Icon";
import { Lines } from "../../part/Lines";
import { FROM_THEN_ON, Section, type SheetProps } from "./Section";

export function Pairs(props: SheetProps) {
  const [pairs, setPairs] = useState(props.site.settings.pairs.map(([start, ...finish]) => ({ start: start ?? "", finish: finish.join(", ") })));
  const written = () =>
    pairs
      .map(({ start, finish }) => [start.trim(), ...finish.split(",").map((type) => type.trim())].filter(Boolean))
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
        <Lines
          look="pairs"
          lines={pairs}
          onLines={setPairs}
          blank={{ start: "", finish: "" }}
          add="Add a pair"
          remove={(n) => `Remove pair ${n}`}
          error={about("pairs")}
        >
          {({ start, finish }, set, n) => (
            <>
              <input aria-label={`Started, pair ${n}`} value={start} placeholder="form_start" onInput={(event) => set({ start: event.currentTarget.value })} />
              <Icon name="right" />
              <input
                aria-label={`Finished by, pair ${n}, several separated by commas`}
                value={finish}
                placeholder="form_submit"
                onInput={(event) => set({ finish: event.currentTarget.value })}
              />
            </>
          )}
        </Lines>
      )}
    </Section>
  );
}
