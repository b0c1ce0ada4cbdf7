import { useEffect, useState } from "preact/hooks";
import type { Accepted, Me, OpenInvitation, Role } from "../data/types";
import { ask, type Refused } from "../data/api";
import { useLoad } from "../data/load";
import { go } from "../data/route";
import { Field } from "../part/Field";
import { Skeleton } from "../part/State";
import { Mark } from "../part/Top";

const MAY: Record<Role, string> = {
  viewer: "You will see its numbers.",
  editor: "You will see its numbers and change its settings.",
  owner: "You will own it together with who invites you.",
};

/** An invitation, accepted by who is signed in, or with an email and a password, which make an account if need be. */
export function Invite({ token }: { token: string }) {
  const path = `/api/invitations/${encodeURIComponent(token)}`;
  const load = useLoad<OpenInvitation>(path, () => path, 0);
  const [me, setMe] = useState<Me | null>(null);
  const [email, setEmail] = useState<string | null>(null);
  const [password, setPassword] = useState("");
  const [error, setError] = useState<Refused | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Invitation · Throughline";
    ask<Me>("/api/me").then(setMe, () => null); // nobody signed in is as good
  }, []);

  const accept = async (body: object) => {
    setBusy(true);
    setError(null);
    try {
      const { site } = await ask<Accepted>(path, "POST", body);
      go(`/sites/${site}`, true);
    } catch (refused) {
      setError(refused as Refused);
      setBusy(false);
    }
  };
  const invited = load.data;
  const address = email ?? invited?.email ?? "";
  const submit = (event: Event) => {
    event.preventDefault();
    accept({ email: address, password });
  };

  return (
    <main class="login" id="main">
      <div class="access">
        <Mark />
        {load.error ? (
          <>
            <h1>This invitation does not work</h1>
            <p role="alert">It was used, withdrawn, or is older than seven days. Ask for another.</p>
            <a class="button" href="/login">
              Sign in
            </a>
          </>
        ) : invited === null ? (
          <Skeleton lines={4} />
        ) : (
          <>
            <h1>You are invited to {invited.site}</h1>
            <p class="hinted">
              {invited.domain}. {MAY[invited.role]}
            </p>
            {me && (
              <button type="button" class="button" disabled={busy} onClick={() => accept({})}>
                Accept as {me.email}
              </button>
            )}
            <form onSubmit={submit}>
              <p class="hinted">{me ? "Or with another account:" : "With your account, or a new one:"}</p>
              <Field label="Email" type="email" name="email" autocomplete="username" required value={address} onText={setEmail} error={error?.param === "email" ? error.message : null} />
              <Field
                label="Password"
                secret
                name="password"
                autocomplete="new-password"
                required
                hint="Of the account that you have, or at least 12 characters for a new one."
                value={password}
                onText={setPassword}
                error={error?.param === "password" ? error.message : null}
              />
              {error && error.param !== "email" && error.param !== "password" && (
                <p class="wrong" role="alert">
                  {error.message}
                </p>
              )}
              <button class={me ? "button quiet" : "button"} disabled={busy}>
                Accept
              </button>
            </form>
          </>
        )}
      </div>
    </main>
  );
}
