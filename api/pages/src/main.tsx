import { options, render } from "preact";
import { useEffect } from "preact/hooks";
import { BASE, followLinks, go, useRoute } from "./data/route";
import { Away } from "./part/Away";
import { applyTheme, Top } from "./part/Top";
import { Account } from "./view/Account";
import { Dashboard } from "./view/Dashboard";
import { Invite } from "./view/Invite";
import { Login } from "./view/Login";
import { Settings } from "./view/Settings";
import { Share } from "./view/Share";
import { Sites } from "./view/Sites";

function App() {
  const { path } = useRoute();
  const [, , site, settings] = path.split("/");
  const id = site && decodeURIComponent(site);
  useEffect(() => {
    if (path === "/") go("/sites", true);
  }, [path]);

  if (path === "/login") return <Login />;
  if (id && path.startsWith("/share/")) return <Share key={id} token={id} />;
  if (path === "/account") return <Account />;
  if (id && path.startsWith("/invite/")) return <Invite key={id} token={id} />;
  if (path === "/sites" || path === "/sites/") return <Sites />;
  if (id && path.startsWith("/sites/") && !settings) return <Dashboard key={id} id={id} />;
  if (id && path.startsWith("/sites/") && settings === "settings") return <Settings key={id} id={id} />;
  if (path === "/") return null;
  return (
    <>
      <Top />
      <main class="page" id="main">
        <h1>There is no such page</h1>
        <a href="/sites">All sites</a>
      </main>
    </>
  );
}

if (BASE) {
  // Links in this app are written without it.
  const made = options.vnode;
  options.vnode = (node) => {
    const props = node.props as { href?: unknown };
    if (node.type === "a" && typeof props.href === "string" && props.href.startsWith("/")) props.href = BASE + props.href;
    made?.(node);
  };
}
applyTheme();
followLinks();
render(
  <>
    <App />
    <Away />
  </>, document.getElementById("app")!,
);
