// The live worklist: what a person can really see is confirmed to the server, and new alerts are announced.
import { follow } from "./live.js";
import { startTelling, tellOfNew } from "./being_told.js";

const TIMES_EVERY = 10000;
const CONFIRM_AFTER = 50;
const CONFIRM_AGAIN_AFTER = 4000;

const list = document.getElementById("worklist");
const spoken = document.querySelector("[data-spoken]");
const confirmed = new Set();
const inSight = new Set();
let ahead = 0;
let soon = null;

const waiting = () => [...list.querySelectorAll("[data-waiting]")];

// An alert, and what last began it: leaving before being seen, or "please ring", is new though the row was there.
const news = (row) => `${row.dataset.alert} ${row.dataset.waiting}`;

function onShow(putInPlace) {
  const before = new Set(waiting().map(news));
  const open = [...list.querySelectorAll("details[open]")].map((each) => each.id);
  putInPlace();
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  const now = waiting();
  const fresh = now.filter((row) => !before.has(news(row)));
  fresh.forEach((row) => row.classList.add("nl-row--new"));
  document.title = document.title.replace(/^(\(\d+\) )?/, now.length ? `(${now.length}) ` : "");
  if (fresh.length) {
    spoken.textContent = `${fresh.length} new. ${now.length} waiting for you.`;
    tellOfNew();
  }
  watch();
}

// Only what is in sight is shown: not what is folded away, left out, further down, or behind another window.
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const row = target.closest("[data-alert]");
    isIntersecting ? inSight.add(row) : inSight.delete(row);
  }
  confirmSoon();
});

function watch() {
  sight.disconnect();
  inSight.clear();
  ahead = Date.now() - Date.parse(list.querySelector("[data-at]").dataset.at);
  waiting().forEach((row) => sight.observe(row.querySelector(".nl-row__name")));
}

function confirmSoon() {
  soon ??= setTimeout(() => {
    soon = null;
    confirm();
  }, CONFIRM_AFTER);
}

async function confirm() {
  const now = [...inSight].filter((row) => row.isConnected).map((row) => [row.dataset.alert, row.dataset.changed]);
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
    setTimeout(confirm, CONFIRM_AGAIN_AFTER);
  }
}

// The same words as safeguarding/time_words.py, by the server's clock.
function span(since) {
  const minutes = Math.max(0, Math.floor((Date.now() - ahead - Date.parse(since)) / 60000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
}

setInterval(() => list.querySelectorAll("[data-since]").forEach((each) => (each.textContent = span(each.dataset.since))), TIMES_EVERY);
document.addEventListener("visibilitychange", confirm);
startTelling();
watch();
follow({ list, base: "/worklist", query: list.dataset.query, home: "/worklist", onShow });
