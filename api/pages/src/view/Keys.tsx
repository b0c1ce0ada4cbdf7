import { useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import type { ApiKey } from "../data/types";
import { Copy } from "../part/Copy";
import { Icon } from "../part/Icon";
import { Failure, Skeleton } from "../part/State";

/** The account's API keys: masked, made, shown once, revoked. */
export function Keys() {
  const [tick, setTick] = useState(0);
  const load = useLoad<ApiKey[]>("keys", () => "/api/keys", tick);
  const [made, setMade] = useState<string | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const [error, setError] = useState<Refused | null>(null);

  const change = async (act: () => Promise<void>) => {
    setError(null);
    setAsked(null);
    try {
      await act();
      setTick((n) => n + 1);
    } catch (refused) {
      setError(refused as Refused);
    }
  };
  const create = () => change(async () => setMade((await ask<{ key: string }>("/api/keys", "POST", {})).key));
  const revoke = (id: string) => change(() => ask(`/api/keys/${id}`, "DELETE"));

  return (
    <section class="panel" id="keys" aria-labelledby="keys-head">
      <h2 id="keys-head">API keys</h2>
      <p class="hinted">
        For programs, as <code>Authorization: Bearer sk_…</code>. A key reads and changes every site of this account. <a href="/api/docs">What the API answers</a>
      </p>
      {made && (
        <div class="made" role="status">
          <p>
            <strong>Copy this key now.</strong> It is not shown again.
          </p>
          <pre tabIndex={0} aria-label="New API key">
            <code>{made}</code>
          </pre>
          <Copy text={() => made} label="Copy key" />
        </div>
      )}
      {load.error ? (
        <Failure error={load.error} again={load.again} />
      ) : load.data === null ? (
        <Skeleton lines={2} />
      ) : load.data.length === 0 ? (
        <p class="nothing">No keys yet.</p>
      ) : (
        <table class="plain">
          <caption class="unseen">API keys of this account</caption>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Created</th>
              <th scope="col">
                <span class="unseen">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {load.data.map((key) => (
              <tr key={key.id}>
                <th scope="row">
                  <code>{key.masked}</code>
                </th>
                <td>{format.moment(key.created_at, Intl.DateTimeFormat().resolvedOptions().timeZone)}</td>
                <td class="n">
                  {asked === key.id ? (
                    <span class="sure">
                      Programs that use it stop working.
                      <button type="button" class="button danger" onClick={() => revoke(key.id)}>
                        Revoke
                      </button>
                      <button type="button" class="button quiet" onClick={() => setAsked(null)}>
                        Keep
                      </button>
                    </span>
                  ) : (
                    <button type="button" class="link" onClick={() => setAsked(key.id)}>
                      Revoke<span class="unseen"> {key.masked}</span>
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {error && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
      <button type="button" class="button quiet" onClick={create}>
        <Icon name="plus" />
        Create a key
      </button>
    </section>
  );
}
