// Keys for who goes through many alerts: on the worklist and on an alert. They rest while somebody types or chooses, with Ctrl, Alt
// or Meta, and where they were switched off (WCAG 2.1.4, character key shortcuts).
const KEPT = "nightlight-shortcuts";

const help = document.querySelector("[data-shortcuts]");
const on = document.getElementById("shortcuts-on");

function recall() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

const names = () => [...document.querySelectorAll("#worklist .nl-row__name")];
const current = () => document.activeElement?.closest?.("[data-alert]");

function move(by) {
  const all = names();
  if (!all.length) return false;
  const at = all.indexOf(current()?.querySelector(".nl-row__name"));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function deal() {
  const button = document.getElementById("worklist") ? current()?.querySelector("[data-deal]") : document.querySelector("[data-deal]");
  button?.click();
  return Boolean(button);
}

function answer() {
  if (!document.getElementById("worklist")) return focusAnswer();
  const name = current()?.querySelector(".nl-row__name");
  if (name) location.assign(`${name.getAttribute("href")}#answer`);
  return Boolean(name);
}

function focusAnswer() {
  const first = document.getElementById("answer");
  first?.focus();
  return Boolean(first);
}

function open() {
  help.open = true;
  help.querySelector("summary").focus();
  return true;
}

const keys = { j: () => move(1), k: () => move(-1), t: deal, a: answer, "?": open };

document.addEventListener("keydown", (event) => {
  if (!on.checked || event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (keys[event.key]?.()) event.preventDefault();
});

on.addEventListener("change", () => {
  try {
    localStorage.setItem(KEPT, on.checked ? "on" : "off");
  } catch {
    // it holds until the page is left
  }
});

help.hidden = false;
on.checked = recall() !== "off";
if (location.hash === "#answer") focusAnswer();
