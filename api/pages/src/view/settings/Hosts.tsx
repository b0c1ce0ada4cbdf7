import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
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
  const hosts = () =>
    text
      .split(/[\s,]+/)
      .map((host) => host.trim().toLowerCase())
      .filter(Boolean);
  return (
    <Section {...props} fields={[setting]} change={() => ({ settings: { [setting]: hosts() } })}>
      {(about) => (
        <div class="field">
          <label for={`${props.id}-list`}>{label}</label>
          <textarea
            id={`${props.id}-list`}
            rows={3}
            spellcheck={false}
            value={text}
            placeholder={example}
            aria-invalid={about(setting) ? true : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          {about(setting) && (
            <small class="wrong" role="alert">
              {about(setting)}
            </small>
          )}
        </div>
      )}
    </Section>
  );
}
