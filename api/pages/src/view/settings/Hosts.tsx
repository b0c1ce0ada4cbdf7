import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Area, listed } from "./Area";
import { Section, type SheetProps } from "./Section";

interface HostsProps extends SheetProps {
  id: string;
  setting: "hosts" | "ignored_referrers";
  title: string;
  label: string;
  example: string;
  hint: ComponentChildren;
}

export function Hosts({ setting, label, example, ...props }: HostsProps) {
  const [text, setText] = useState(props.site.settings[setting].join("\n"));
  return (
    <Section {...props} fields={[setting]} change={() => ({ settings: { [setting]: listed(text.toLowerCase()) } })}>
      {(about) => (
        <Area label={label} example={example} value={text} onText={setText} error={about(setting)} />
      )}
    </Section>
  );
}
