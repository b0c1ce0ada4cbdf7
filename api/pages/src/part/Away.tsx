import { useAway } from "../data/away";

/** One banner for all that could not be answered; what was there before stays. */
export function Away() {
  const away = useAway();
  if (!away) return null;
  return (
    <div class="away">
      <p role="alert">{away.message}</p>
      <span aria-hidden="true">Next try in {away.seconds} s</span>
      <button type="button" class="button quiet" onClick={away.again}>
        Try now
      </button>
    </div>
  );
}
