import { useState } from "preact/hooks";
import { ROLES } from "../../data/access";
import { ask } from "../../data/api";
import { useChanges } from "../../data/changes";
import * as format from "../../data/format";
import { useLoad } from "../../data/load";
import type { Member, NewInvitation, Role } from "../../data/types";
import { Choice } from "../../part/Choice";
import { Field } from "../../part/Field";
import { Icon } from "../../part/Icon";
import { Listed } from "../../part/Listed";
import { Once } from "../../part/Once";
import { Sure } from "../../part/Sure";

/** Who else sees the site, and invitations to be one of them. */
export function Members({ site }: { site: string }) {
  const path = `/api/sites/${site}/members`;
  const { tick, error, busy, change } = useChanges();
  const load = useLoad<Member[]>(path, () => path, tick);
  const [made, setMade] = useState<string | null>(null);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");

  const invite = async (event: Event) => {
    event.preventDefault();
    if (await change(async () => setMade((await ask<NewInvitation>(path, "POST", { email, role })).url))) setEmail("");
  };
  const state = (each: Member) =>
    each.state === "invited" ? `invited, until ${format.moment(each.expires_at!, Intl.DateTimeFormat().resolvedOptions().timeZone)}` : each.state === "expired" ? "invitation expired" : "member";

  return (
    <section class="panel" id="members" aria-labelledby="members-head">
      <h2 id="members-head">Members</h2>
      <p class="hinted">An invitation is a link that you send yourself. It is good for seven days and for one person.</p>
      {made && <Once text={made} what="invitation" />}
      <Listed
        load={load}
        caption="Members of this site"
        columns={["Email", "Role", "State"]}
        none="No members."
        row={(each) => [
          each.email || "whoever has the link",
          each.role,
          state(each),
          <Sure
            act={each.account ? "Remove" : "Withdraw"}
            to={each.email}
            warning={each.account ? "They see this site no longer." : "The link stops working."}
            onSure={() => change(() => ask(`${path}/${each.id}`, "DELETE"))}
          />,
        ]}
      />
      <form class="row access" onSubmit={invite}>
        <Field label="For whom (email, optional)" type="email" value={email} autocomplete="off" onText={setEmail} />
        <Choice label="Role" value={role} options={ROLES} onChoice={(chosen) => setRole(chosen as Role)} />
        <button class="button quiet" disabled={busy}>
          <Icon name="plus" />
          Invite
        </button>
      </form>
      {error && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
    </section>
  );
}
