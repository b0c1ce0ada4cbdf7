import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  options: (readonly [string, string])[];
  onChoice: (value: string) => void;
}

/** A labelled select. */
export function Choice({ label, value, options, onChoice }: Props) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
