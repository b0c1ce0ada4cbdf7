import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  type?: "text" | "email" | "number";
  secret?: boolean;
  name?: string;
  value?: string;
  required?: boolean;
  placeholder?: string;
  autocomplete?: "username" | "current-password" | "new-password" | "off";
  autocapitalize?: "off";
  spellcheck?: boolean;
  maxLength?: number;
  min?: number;
  max?: number;
  step?: number | "any";
  hint?: ComponentChildren;
  error?: string | null;
  onText?: (text: string) => void;
}

/** A labelled input with its hint and, once the server has refused it, what is wrong with it. */
export function Field({ label, hint, error, onText, type = "text", secret, ...input }: Props) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={(secret ? "password" : type) as "text"}
        {...input}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        onInput={(event) => onText?.(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="hinted">
          {hint}
        </small>
      )}
      {error && (
        <small id={`${id}-error`} class="wrong" role="alert">
          {error}
        </small>
      )}
    </div>
  );
}

interface CheckProps {
  label: string;
  hint?: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function Check({ label, hint, checked, onChange }: CheckProps) {
  const id = useId();
  return (
    <div class="check">
      <input
        type="checkbox"
        id={id}
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{label}</label>
        {hint && (
          <small id={`${id}-hint`} class="hinted">
            {hint}
          </small>
        )}
      </div>
    </div>
  );
}
