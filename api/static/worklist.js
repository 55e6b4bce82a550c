// The live worklist. Server-sent events say that something changed, the rows are fetched; where events fail, the same
// is asked every few seconds. What a person can see is confirmed to the server; new alerts are announced.
const POLL_EVERY = 4000;
const AT_MOST_EVERY = 400;

const list = document.getElementById("worklist");
const live = document.querySelector("[data-live]");
const liveWords = document.querySelector("[data-live-words]");
const stale = document.querySelector("[data-stale]");
const spoken = document.querySelector("[data-spoken]");
const confirmed = new Set();
let fetching = null;
let again = false;
let poll = null;
let left = false;

const rows = (selector = "") => [...list.querySelectorAll(`[data-alert]${selector}`)];
const ids = (selector) => rows(selector).map((row) => row.dataset.alert);
const mark = () => list.querySelector("[data-mark]").dataset.mark;

function say(state) {
  live.dataset.live = state;
  liveWords.textContent = { live: "Live", polling: "Renewed every few seconds", stale: "Not up to date" }[state];
  stale.hidden = state !== "stale";
}

// The sign-in has ended: nothing stays on the screen, and the page asks to sign in again.
function leave() {
  if (left) return;
  left = true;
  clearInterval(poll);
  list.replaceChildren();
  location.assign("/worklist");
}

async function renew() {
  if (left) return;
  if (fetching) return (again = true);
  fetching = (async () => {
    const answer = await fetch(`/worklist/rows?mark=${encodeURIComponent(mark())}`);
    if (answer.status === 401 || answer.status === 404) return leave();
    if (answer.status === 200) show(await answer.text());
    else if (answer.status !== 204) throw new Error("no answer");
    say(poll ? "polling" : "live");
  })();
  try {
    await fetching;
  } catch {
    say("stale");
  }
  await new Promise((wake) => setTimeout(wake, AT_MOST_EVERY));
  fetching = null;
  if (again) {
    again = false;
    renew();
  }
}

function show(html) {
  const before = new Set(ids("[data-waiting]"));
  const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
  list.innerHTML = html;
  if (focused) document.getElementById(focused)?.focus();
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

function listen() {
  const events = new EventSource("/worklist/events");
  events.addEventListener("open", () => {
    clearInterval(poll);
    poll = null;
    say("live");
  });
  events.addEventListener("changed", (event) => (event.data === mark() ? say("live") : renew()));
  events.addEventListener("stale", () => say("stale"));
  events.addEventListener("ended", leave);
  events.addEventListener("error", () => {
    if (left) return events.close();
    poll ??= setInterval(renew, POLL_EVERY);
    renew();
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, POLL_EVERY);
  });
}

document.addEventListener("visibilitychange", confirm);
confirm();
listen();
