// A page that renews itself. Server-sent events say that something changed, and the rows are fetched; where events fail, the
// same is asked every few seconds. A page's own script calls `follow` once.
//
//   list     the element that holds the rows, and in them [data-mark]
//   base     the address of the rows (base + "/rows") and of the events (base + "/events")
//   query    what somebody chose to see, as the query of an address: it goes along when the rows are asked for
//   home     where to go when the sign-in has ended
//   checks   ask every so many milliseconds even while events seem to come (a network can die without a word); 0: never
//   onShow   called with a function that puts the new rows in place: look at the old ones before, at the new ones after
const POLL_EVERY = 4000;
const AT_MOST_EVERY = 150;
const ANSWERS_WITHIN = 10000;

export function follow({ list, base, query = "", home, checks = 0, onShow }) {
  const live = document.querySelector("[data-live]");
  const liveWords = document.querySelector("[data-live-words]");
  const stale = document.querySelector("[data-stale]");
  let fetching = null;
  let again = false;
  let poll = null;
  let retry = null;
  let left = false;

  const mark = () => list.querySelector("[data-mark]").dataset.mark;

  function say(state) {
    live.dataset.live = state;
    list.dataset.shows = state;
    liveWords.textContent = { live: "Live", polling: "Renewed every few seconds", stale: "Not up to date" }[state];
    stale.hidden = state !== "stale";
  }

  // The sign-in has ended: nothing stays on the screen, and the page asks to sign in again.
  function leave() {
    if (left) return;
    left = true;
    clearInterval(poll);
    list.replaceChildren();
    location.assign(home);
  }

  async function renew() {
    if (left) return;
    if (fetching) return (again = true);
    clearTimeout(retry);
    fetching = (async () => {
      const asked = `${base}/rows?mark=${encodeURIComponent(mark())}${query && `&${query}`}`;
      const answer = await fetch(asked, { signal: AbortSignal.timeout(ANSWERS_WITHIN) });
      if (answer.status === 401 || answer.status === 404) return leave();
      if (answer.status === 200) show(await answer.text());
      else if (answer.status !== 204) throw new Error("no answer");
      say(poll ? "polling" : "live");
    })();
    try {
      await fetching;
    } catch {
      say("stale");
      retry = setTimeout(renew, POLL_EVERY); // the event that told of the change does not come again
    }
    await new Promise((wake) => setTimeout(wake, AT_MOST_EVERY));
    fetching = null;
    if (again) {
      again = false;
      renew();
    }
  }

  function show(html) {
    const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
    onShow(() => {
      list.innerHTML = html;
      if (focused) document.getElementById(focused)?.focus();
    });
  }

  function listen() {
    const events = new EventSource(`${base}/events`);
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

  if (checks) setInterval(renew, checks);
  listen();
}
