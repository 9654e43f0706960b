"use strict";
// Keys, and forms that send themselves. Without it every page still works by links and buttons.
const help = document.querySelector("#help"), narrow = document.querySelector("#narrow-down");
document.documentElement.classList.add("scripted");
document.querySelector("#keys").hidden = false;
document.querySelector("#keys").addEventListener("click", () => help.showModal());
if (narrow && matchMedia("(max-width: 820px)").matches) narrow.open = false;
for (const choice of document.querySelectorAll("#ask select, #sides select, select[form=ask]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
const ask = document.querySelector("#ask");
if (ask) ask.addEventListener("formdata", (event) => {
  for (const name of ["q", "from", "to", "sort"]) {
    const value = event.formData.get(name);
    if (!value || (name === "sort" && value === "chance")) event.formData.delete(name);
  }
});

const rows = [...document.querySelectorAll(".row, .row-link, .samples > li > details > summary")];
function move(by) {
  const at = rows.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  if (rows[to]) {
    rows[to].focus();
    rows[to].scrollIntoView({ block: "nearest" });
  }
}
function follow(selector) {
  const link = document.querySelector(selector);
  if (link) link.click();
}
const openAll = document.querySelector(".open-all"), samples = [...document.querySelectorAll(".samples details")];
function toggleAll() {
  const opened = openAll.getAttribute("aria-pressed") !== "true";
  openAll.setAttribute("aria-pressed", String(opened));
  openAll.textContent = opened ? "Close all" : "Open all";
  for (const sample of samples) sample.open = opened;
}
if (openAll) {
  openAll.hidden = false;
  openAll.addEventListener("click", toggleAll);
}
const note = document.querySelector("#note");
function flag() {
  const row = document.activeElement.closest(".row");
  if (note) {
    note.focus();
    note.scrollIntoView({ block: "center" });
  } else if (row) location.assign(row.href + "#note");
}
if (note && location.hash === "#note") flag();
if (note) note.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) note.form.requestSubmit();
});

const keys = {
  j: () => move(1),
  k: () => move(-1),
  n: () => follow("a[rel=next]"),
  p: () => follow("a[rel=prev]"),
  u: () => follow("#back"),
  o: () => openAll && toggleAll(),
  f: flag,
  "?": () => help.showModal(),
  "/": () => {
    const search = document.querySelector("input[type=search]");
    if (search) {
      search.focus();
      search.select();
    } else location.assign("/#search");
  },
};
const places = { l: "/", c: "/compare", f: "/flags" };
let went = false;
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) return typing.blur();
  if (typing || help.open || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const place = went && places[event.key];
  went = event.key === "g";
  const act = place ? () => location.assign(place) : keys[event.key];
  if (!act) return undefined;
  event.preventDefault();
  return act();
});
if (location.hash === "#search") keys["/"]();
// Back from a problem: the row that was opened has the focus again.
if (document.querySelector(".rows")) {
  const place = `opened ${location.pathname}${location.search}`;
  const opened = rows.find((row) => row.href === sessionStorage.getItem(place));
  for (const row of rows) row.addEventListener("click", () => sessionStorage.setItem(place, row.href));
  if (opened && !location.hash) opened.focus();
}
