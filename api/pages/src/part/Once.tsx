import { Copy } from "./Copy";

/** A secret that nobody can tell again. */
export const Once = ({ text, what, name = what }: { text: string; what: string; name?: string }) => (
  <div class="made" role="status">
    <p>
      <strong>Copy this {what} now.</strong> It is not shown again.
    </p>
    <pre tabIndex={0} aria-label={`New ${name}`}>
      <code>{text}</code>
    </pre>
    <Copy text={() => text} label={`Copy ${what}`} />
  </div>
);
