import { useEffect, useRef, useState } from "preact/hooks";
import type { Me } from "../data/types";
import { ask, Refused } from "../data/api";
import { go, useRoute } from "../data/route";
import { Field } from "../part/Field";
import { Mark } from "../part/Top";
import { Password } from "./Password";

const safe = (next: string | null) => (next && /^\/sites(\/|\?|$)/.test(next) ? next : "/sites");

export function Login() {
  const { query } = useRoute();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const enter = () => go(safe(query.get("next")), true);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    document.title = "Sign in · Throughline";
    form.current?.querySelector("input")?.focus();
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      const me = await ask<Me>("/api/login", "POST", { email, password });
      if (me.must_change_password) setTold(password);
      else enter();
    } catch (error) {
      const { status, message, retryAfter } = error as Refused;
      if (status === 401) setWrong("No account has this email and password.");
      else if (status === 429) setWrong(`Too many tries. Try again in ${retryAfter || 60} seconds.`);
      else setWrong(message);
      setBusy(false);
    }
  };

  if (told !== null)
    return (
      <main class="login" id="main">
        <div class="access">
          <Mark />
          <h1>Choose a password of your own</h1>
          <p class="hinted">The one that you signed in with was made by a machine, and is where it was printed.</p>
          <Password old={told} onDone={enter} />
          <button type="button" class="link" onClick={enter}>
            Not now
          </button>
        </div>
      </main>
    );
  return (
    <main class="login" id="main">
      <form ref={form} onSubmit={submit}>
        <Mark />
        <h1>Sign in to Throughline</h1>
        <Field label="Email" type="email" name="email" autocomplete="username" required value={email} onText={setEmail} />
        <Field label="Password" secret name="password" autocomplete="current-password" required value={password} onText={setPassword} />
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <button class="button" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
