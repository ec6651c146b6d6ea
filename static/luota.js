// Keys, ages that keep current, copying, and polls that leave a person's typing alone.
// Every page works without it.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => { $("#live").textContent = text; };

  // ── ages ────────────────────────────────────────────────────────────────────────────────────
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const words = (seconds) => {
    for (const [size, name] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
    return "0 s";
  };
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  // The server's clock is the one that counts: a wrong clock here must not bend the ages.
  let skew = 0;
  const age = (root) => {
    for (const time of $$("time[datetime]", root)) {
      const at = Date.parse(time.dateTime);
      if (!time.dataset.exact) {
        time.dataset.exact = time.title;
        time.title = `${time.title} · ${local.format(at)}`;
      }
      if (!time.dataset.style) continue;
      const seconds = Math.round((Date.now() + skew - at) / 1000);
      const said = words(Math.abs(seconds));
      const text = time.dataset.style === "since" ? said : seconds >= 0 ? `${said} ago` : `in ${said}`;
      if (time.textContent !== text) time.textContent = text;
    }
  };
  const served = document.body.dataset.now;
  if (served) skew = Date.parse(served) - Date.now();
  age(document);
  setInterval(() => age(document), 10000);

  // ── polls: nothing changed is a 304; nothing is swapped under a person who types ─────────────
  document.addEventListener("htmx:configRequest", (event) => {
    const { etag } = event.detail.elt.dataset;
    if (etag && event.detail.verb === "get") event.detail.headers["If-None-Match"] = etag;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    const isPoll = requestConfig.verb === "get" && elt.hasAttribute("data-poll");
    const isTyping = $$("textarea, input:not([type=hidden])", elt).some((field) => field.value !== field.defaultValue || field === document.activeElement);
    if (isPoll && (isTyping || document.hidden || $("details[open][data-stays]", elt))) event.preventDefault();
  });
  let heading = $("main h1")?.textContent;
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = document.getElementById(event.detail.target.id) || event.detail.target;
    const now = $("h1", target)?.textContent;
    if (now && now !== heading) say(now);
    heading = now || heading;
    if (target.dataset.title) document.title = target.dataset.title;
    const etag = event.detail.xhr.getResponseHeader("ETag");
    if (etag) target.dataset.etag = etag;
    age(target);
    reveal(target);
    point(target);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const said = $("[role=status]", document.getElementById(event.detail.target.id) || document);
    if (event.detail.requestConfig.verb === "post" && said) say(said.textContent.trim());
  });
  document.addEventListener("htmx:sendError", () => say("Luota cannot be reached; what you see may be old."));

  // ── copying, dialogs ─────────────────────────────────────────────────────────────────────────
  const reveal = (root) => { for (const button of $$("[data-copies], [data-opens]", root)) button.hidden = false; };
  reveal(document);
  // The help lists the keys that do something on this page.
  const open = (dialog) => {
    for (const line of $$("[data-if]", dialog)) line.hidden = !$(`main ${line.dataset.if}`);
    dialog.showModal();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies], [data-opens]");
    if (!button) return;
    if (button.dataset.opens) return void open($(`#${button.dataset.opens}`));
    const source = document.getElementById(button.dataset.copies);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const was = button.textContent;
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = was; }, 1500);
  });

  // ── the line of a text that is meant ────────────────────────────────────────────────────────
  const point = (root) => {
    const text = $("textarea[data-line]", root);
    if (!text) return;
    const lines = text.value.split("\n");
    const at = lines.slice(0, text.dataset.line - 1).join("\n").length + (text.dataset.line > 1 ? 1 : 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(at, at + (lines[text.dataset.line - 1] || "").length);
    text.scrollTop = Math.max(0, (text.scrollHeight / lines.length) * (text.dataset.line - 4));
  };
  point(document);

  // ── keys ─────────────────────────────────────────────────────────────────────────────────────
  let waitsForGo = false;
  const rows = () => $$("[data-row]").filter((row) => row.offsetParent);
  const walk = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
    const link = $("a", next);
    link.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const press = (name) => {
    const row = document.activeElement.closest?.("[data-row]");
    const button = (row && $(`[data-key="${name}"]`, row)) || $(`main [data-key="${name}"]:not([data-row] *)`) ||
      (rows().length === 1 && $(`[data-row] [data-key="${name}"]`));
    if (!button) return false;
    if (button.matches("textarea, input, select")) { button.focus(); button.select?.(); } else button.click();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const isField = event.target.matches?.("input, textarea, select, [contenteditable]");
    if (isField) { if (event.key === "Escape") event.target.blur(); return; }
    if ($("dialog[open]")) return;
    if (waitsForGo) {
      waitsForGo = false;
      const link = $(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") { waitsForGo = true; setTimeout(() => { waitsForGo = false; }, 1200); return; }
    if (event.key === "j" || event.key === "k") { event.preventDefault(); walk(event.key === "j" ? 1 : -1); return; }
    if (event.key === "?" && $("#keys")) { open($("#keys")); return; }
    if (event.key.length === 1 && press(event.key)) event.preventDefault();
  });
})();
