import { useState } from "preact/hooks";

interface Props {
  /** What the button does, in a word. */
  act: string;
  /** To what, for who cannot see the row. */
  to: string;
  warning: string;
  onSure: () => void;
}

/** A button that asks once more. */
export function Sure({ act, to, warning, onSure }: Props) {
  const [asked, setAsked] = useState(false);
  if (!asked)
    return (
      <button type="button" class="link" onClick={() => setAsked(true)}>
        {act}
        <span class="unseen"> {to}</span>
      </button>
    );
  return (
    <span class="sure">
      {warning}
      <button type="button" class="button danger" onClick={() => (setAsked(false), onSure())}>
        {act}
      </button>
      <button type="button" class="button quiet" onClick={() => setAsked(false)}>
        Keep
      </button>
    </span>
  );
}
