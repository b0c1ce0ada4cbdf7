// Throughline: pageviews, single-page navigation and custom events. No cookies.
// <script defer src="https://stats.example/t.js" data-site="site_..."></script>, then throughline.track("signup", {plan: "pro"}).
(function () {
  "use strict";
  var tag = document.currentScript;
  var site = tag && tag.getAttribute("data-site");
  var queued = (window.throughline && window.throughline.q) || [];
  if (!site || (window.throughline && window.throughline.track && !window.throughline.q)) return;
  var api = tag.getAttribute("data-api") || new URL("/e", tag.src).href;
  var cookieless = tag.hasAttribute("data-cookieless") || navigator.globalPrivacyControl;
  var seq = 0, view = "", page = "", referrer = document.referrer;

  function key() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.prototype.map.call(bytes, function (b) { return (b + 256).toString(16).slice(1); }).join("");
  }

  function visitor() {
    if (cookieless) return undefined;
    try {
      var id = localStorage.getItem("throughline_visitor") || key();
      localStorage.setItem("throughline_visitor", id);
      return id;
    } catch (blocked) {
      return undefined;
    }
  }

  function ignored() {
    try {
      if (localStorage.getItem("throughline_ignore")) return true;
    } catch (blocked) { /* storage is blocked: nobody asked to be ignored */ }
    if (tag.getAttribute("data-allow") === "local") return false;
    return navigator.webdriver || location.protocol === "file:" || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);
  }

  function send(type, data, revenue) {
    try {
      if (ignored()) return;
      var now = Date.now();
      var body = JSON.stringify({
        site: site, id: key(), type: type, at: now, sent_at: now, seq: ++seq, visitor: visitor(), view: view,
        url: location.href.slice(0, 8000), referrer: referrer.slice(0, 8000), title: document.title.slice(0, 1000),
        screen: [screen.width, screen.height], data: data, revenue: revenue
      });
      fetch(api, {method: "POST", body: body, keepalive: true, credentials: "omit"}).catch(function () {});
    } catch (broken) { /* the page matters more than its statistics */ }
  }

  function pageview() {
    var here = location.pathname + location.search;
    if (here === page) return;
    if (page) referrer = location.origin + page;
    page = here;
    view = key().slice(0, 12);
    send("pageview");
  }

  ["pushState", "replaceState"].forEach(function (name) {
    var original = history[name];
    history[name] = function () {
      var result = original.apply(this, arguments);
      setTimeout(pageview, 0);
      return result;
    };
  });
  addEventListener("popstate", pageview);
  window.throughline = {
    track: function (type, data, options) { send(type, data, options && options.revenue); }
  };
  pageview();
  queued.forEach(function (call) { window.throughline.track.apply(null, call); });
})();
