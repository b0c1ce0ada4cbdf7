import { useEffect, useState } from "preact/hooks";
import { copy } from "../data/csv";
import { Icon } from "./Icon";

interface Props {
  text: () => string;
  label: string;
  /** Shows only the icon; the label is then its name and tooltip. */
  small?: boolean;
}

/** A button that puts a text on the clipboard and says so, to the eye and to screen readers. */
export function Copy({ text, label, small }: Props) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const press = async () => setSaid((await copy(text())) ? "Copied" : "Not copied");
  return (
    <>
      <button type="button" class={small ? "tool" : "button quiet"} aria-label={small ? label : undefined} title={small ? label : undefined} onClick={press}>
        <Icon name={said === "Copied" ? "check" : "copy"} />
        {!small && <span>{said || label}</span>}
      </button>
      <span class="unseen" role="status">
        {said}
      </span>
    </>
  );
}
