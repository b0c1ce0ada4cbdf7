import { useEffect, useState } from "preact/hooks";
import { analytics } from "../../data/api";
import * as format from "../../data/format";
import { useLoad } from "../../data/load";
import type { FrictionPreview, Thresholds } from "../../data/types";
import { Past } from "../../part/Past";
import { Legend, Stack } from "../../part/Stack";
import { Section, type SheetProps } from "./Section";

const NAMES: Record<keyof Thresholds, string> = {
  bouncer_seconds: "Left at once: seconds",
  skimmer_seconds_per_page: "Skimmed: seconds a page",
  engaged_pageviews: "Engaged: pageviews",
  engaged_seconds: "Engaged: seconds with these pageviews",
  deep_seconds: "Engaged: seconds with a depth",
  deep_percent: "Engaged: depth, per cent",
};
const KEYS = Object.keys(NAMES) as (keyof Thresholds)[];
const PAUSE = 500; // ms without a key until the shares are asked for

export function FrictionSection(props: SheetProps) {
  const held = props.site.settings.friction;
  const [values, setValues] = useState<Record<string, string>>(Object.fromEntries(KEYS.map((key) => [key, String(held[key])])));
  return (
    <Section
      {...props}
      id="friction"
      fields={KEYS.map((key) => `friction.${key}`)}
      title="Friction"
      hint="How a session is judged; the first sentence that fits holds. Seconds are visible, focused time."
      change={() => ({ settings: { friction: Object.fromEntries(KEYS.map((key) => [key, Number(values[key])])) } })}
      foot={
        <Past site={props.site} unsaved={KEYS.some((key) => Number(values[key]) !== held[key])}>
          <p class="hinted" id="past">
            What is saved here and under <a href="#pairs">Started and finished</a> judges sessions from now on. Applied to the past it judges every session of this site
            anew, in minutes; what comes meanwhile is counted as ever.
          </p>
        </Past>
      }
    >
      {(about) => {
        const blank = (key: keyof Thresholds) => (
          <input
            type="number"
            class="blank-number"
            required
            aria-label={NAMES[key]}
            aria-invalid={about(`friction.${key}`) ? true : undefined}
            min={key === "engaged_pageviews" ? 1 : 0}
            max={key === "deep_percent" ? 100 : undefined}
            step={key === "engaged_pageviews" ? 1 : "any"}
            value={values[key]}
            onInput={(event) => setValues({ ...values, [key]: event.currentTarget.value })}
          />
        );
        const wrong = KEYS.map((key) => about(`friction.${key}`)).filter(Boolean);
        return (
          <>
            <ol class="sentences">
              <li>
                <b>Engaged</b>: an event carries revenue.
              </li>
              <li>
                <b>Hesitated</b>: something was <a href="#pairs">started and not finished</a>.
              </li>
              <li>
                <b>Engaged</b>: a custom event, or at least {blank("engaged_pageviews")} pageviews and {blank("engaged_seconds")} seconds, or {blank("deep_seconds")}{" "}
                seconds and {blank("deep_percent")} % of a page.
              </li>
              <li>
                <b>Left at once</b>: at most one pageview and fewer than {blank("bouncer_seconds")} seconds.
              </li>
              <li>
                <b>Skimmed</b>: fewer than {blank("skimmer_seconds_per_page")} seconds a page.
              </li>
              <li>
                <b>Hesitated</b>: everyone else.
              </li>
            </ol>
            {wrong.length > 0 && (
              <p class="wrong" role="alert">
                {wrong.join(" ")}
              </p>
            )}
            <Preview site={props.site.id} values={values} />
          </>
        );
      }}
    </Section>
  );
}

/** What the thresholds would make of the last 30 days. */
function Preview({ site, values }: { site: string; values: Record<string, string> }) {
  const [asked, ask] = useState(values);
  useEffect(() => {
    const timer = setTimeout(() => ask(values), PAUSE);
    return () => clearTimeout(timer);
  }, [values]);
  const load = useLoad<FrictionPreview>(JSON.stringify(asked), () => analytics(site, "friction-preview", asked), 0);
  if (load.error || !load.data?.total) return null;
  const { changed } = load.data;
  return (
    <div class="preview" aria-busy={load.busy}>
      <p class="hinted">The sessions of the last 30 days, if these had judged them:</p>
      <Stack row={load.data} tall />
      <Legend row={load.data} />
      <p class="hinted">
        {changed === 0 ? (
          "No session was judged otherwise."
        ) : (
          <>
            {format.count(changed)} of {format.count(load.data.total)} sessions were judged otherwise.
          </>
        )}
      </p>
    </div>
  );
}
