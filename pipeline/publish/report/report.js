"use strict";
const words = document.querySelector("#words"), outcome = document.querySelector("#outcome"), open = document.querySelector("#open");
const problems = [...document.querySelectorAll(".problem")], groups = [...document.querySelectorAll(".group-of")];
function filter() {
  const asked = words.value.trim().toLowerCase();
  for (const group of groups) {
    let shown = 0;
    for (const problem of group.querySelectorAll(".problem")) {
      const fits = (!outcome.value || group.dataset.outcome === outcome.value) && problem.textContent.toLowerCase().includes(asked);
      problem.hidden = !fits;
      shown += fits;
    }
    group.hidden = !shown;
  }
  document.querySelector("#nothing").hidden = groups.some((group) => !group.hidden);
}
function show() {
  const opened = open.getAttribute("aria-pressed") !== "true";
  open.setAttribute("aria-pressed", String(opened));
  open.textContent = opened ? "Close all samples" : "Open all samples";
  for (const part of document.querySelectorAll(".problem details")) part.open = opened;
}
function reveal() {
  const group = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (group && group.hidden) { words.value = ""; outcome.value = ""; filter(); group.scrollIntoView(); }
}
if (words) {
  document.querySelector(".tools").hidden = false;
  words.addEventListener("input", filter);
  outcome.addEventListener("change", filter);
  open.addEventListener("click", show);
  addEventListener("hashchange", reveal);
}
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details.table")) part.open = true; });
