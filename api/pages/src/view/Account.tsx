import { useEffect, useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import { useMe } from "../data/access";
import { go } from "../data/route";
import { Top } from "../part/Top";
import { Keys } from "./Keys";
import { Password } from "./Password";

/** What belongs to a person and not to a site: password, sessions, keys. */
export function Account() {
  const { me } = useMe();
  const [changed, setChanged] = useState(false);
  const [error, setError] = useState<Refused | null>(null);
  useEffect(() => {
    document.title = "Account · Throughline";
  }, []);
  const signOut = () =>
    ask("/api/account/sign-out-everywhere", "POST").then(
      () => go("/login"),
      (refused) => setError(refused),
    );

  return (
    <>
      <Top />
      <main class="page account" id="main">
        <div class="title">
          <h1>Account</h1>
          {me && <p class="hinted">{me.email}</p>}
        </div>
        <div class="sheet">
          <section class="panel" aria-labelledby="password-head">
            <h2 id="password-head">Password</h2>
            <Password onDone={() => setChanged(true)} />
            <p class="saved" role="status">
              {changed && "Changed. All other sessions have ended."}
            </p>
          </section>
          <section class="panel" aria-labelledby="sessions-head">
            <h2 id="sessions-head">Sessions</h2>
            <p class="hinted">Ends every session of yours, on every device, this one too. API keys go on.</p>
            {error && (
              <p class="wrong" role="alert">
                {error.message}
              </p>
            )}
            <button type="button" class="button quiet" onClick={signOut}>
              Sign out everywhere
            </button>
          </section>
          <Keys />
        </div>
      </main>
    </>
  );
}
