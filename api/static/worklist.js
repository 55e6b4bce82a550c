// The live worklist: what a person can see is confirmed to the server, and new alerts are announced.
import { follow } from "./live.js";

const list = document.getElementById("worklist");
const spoken = document.querySelector("[data-spoken]");
const confirmed = new Set();

const rows = (selector = "") => [...list.querySelectorAll(`[data-alert]${selector}`)];
const ids = (selector) => rows(selector).map((row) => row.dataset.alert);

function onShow(putInPlace) {
  const before = new Set(ids("[data-waiting]"));
  putInPlace();
  const fresh = rows("[data-waiting]").filter((row) => !before.has(row.dataset.alert));
  fresh.forEach((row) => row.classList.add("nl-row--new"));
  const waiting = ids("[data-waiting]").length;
  document.title = document.title.replace(/^(\(\d+\) )?/, waiting ? `(${waiting}) ` : "");
  if (fresh.length) spoken.textContent = `${fresh.length} new. ${waiting} waiting for you.`;
  confirm();
}

async function confirm() {
  const now = rows("[data-waiting]").map((row) => [row.dataset.alert, row.dataset.changed]);
  const unconfirmed = now.filter((shown) => !confirmed.has(shown.join()));
  if (!unconfirmed.length || document.visibilityState !== "visible") return;
  unconfirmed.forEach((shown) => confirmed.add(shown.join()));
  try {
    const answer = await fetch("/worklist/shown", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": list.dataset.csrf },
      body: JSON.stringify({ alerts: Object.fromEntries(unconfirmed) }),
    });
    if (!answer.ok) throw new Error("not confirmed");
  } catch {
    unconfirmed.forEach((shown) => confirmed.delete(shown.join()));
  }
}

document.addEventListener("visibilitychange", confirm);
confirm();
follow({ list, base: "/worklist", home: "/worklist", onShow });
