import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onText: (text: string) => void;
  example: string;
  error: string | null;
}

/** Several short values, one a line. */
export function Area({ label, value, onText, example, error }: Props) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={3}
        spellcheck={false}
        value={value}
        placeholder={example}
        aria-invalid={error ? true : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {error && (
        <small class="wrong" role="alert">
          {error}
        </small>
      )}
    </div>
  );
}

/** The values of a text that are told apart by white space and commas, or by what `between` says. */
export const listed = (text: string, between = /[\s,]+/): string[] =>
  text
    .split(between)
    .map((each) => each.trim())
    .filter(Boolean);
