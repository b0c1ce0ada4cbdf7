import { useState } from "preact/hooks";
import { Area, listed } from "./Area";
import { Section, type SheetProps } from "./Section";

const FIELDS = [
  { key: "addresses", label: "Addresses", example: "203.0.113.0/24" },
  { key: "countries", label: "Countries, two letters each", example: "XK" },
  { key: "pages", label: "Pages", example: "/admin/*" },
] as const;

/** Events that are not counted when they come. */
export function Excluded(props: SheetProps) {
  const { exclude } = props.site.settings;
  const [texts, setTexts] = useState({
    addresses: exclude.addresses.join("\n"),
    countries: exclude.countries.join("\n"),
    pages: exclude.pages.join("\n"),
  });
  return (
    <Section
      {...props}
      id="excluded"
      fields={["exclude"]}
      title="Excluded events"
      hint={
        <>
          Events from these are not counted, and are told as <code>excluded</code> among the received. In a page <code>*</code> stands for any characters.
          Applies from now on.
        </>
      }
      change={() => ({
        settings: {
          exclude: { addresses: listed(texts.addresses), countries: listed(texts.countries.toUpperCase()), pages: listed(texts.pages, /\n+/) },
        },
      })}
    >
      {(about) => (
        <div class="pairwise">
          {FIELDS.map(({ key, label, example }) => (
            <Area
              key={key}
              label={label}
              example={example}
              value={texts[key]}
              onText={(text) => setTexts({ ...texts, [key]: text })}
              error={about(`exclude.${key}`)}
            />
          ))}
        </div>
      )}
    </Section>
  );
}
