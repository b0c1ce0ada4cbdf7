import { useState } from "preact/hooks";
import { Check } from "../../part/Field";
import { Section, type SheetProps } from "./Section";

export function Privacy(props: SheetProps) {
  const [cookieless, setCookieless] = useState(props.site.settings.cookieless);
  return (
    <Section {...props} id="privacy" title="Privacy" change={() => ({ settings: { cookieless } })}>
      {() => (
        <Check
          label="Cookieless"
          hint="Keeps nothing on the visitor's device. People are told apart by a daily hash whose salt is destroyed after 48 hours, so the same person counts again the next day. Embed the snippet again after changing this."
          checked={cookieless}
          onChange={setCookieless}
        />
      )}
    </Section>
  );
}
