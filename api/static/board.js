// The live board: times go on by themselves, what is new is announced in words that name nobody, and the server is asked every
// half minute even while nothing seems to happen: a board on a wall must not go on looking well when its network has died.
import { follow } from "./live.js";

const CHECK_EVERY = 30000;
const TIMES_EVERY = 10000;

const board = document.getElementById("board");
const spoken = document.querySelector("[data-spoken]");
const address = `/sites/${board.dataset.site}/board`;

const ids = (selector) => [...board.querySelectorAll(selector)].map((row) => row.dataset.row);

// The same words as safeguarding/time_words.py, by the server's clock.
const serverAt = () => Date.parse(board.querySelector("[data-at]").dataset.at);
let ahead = Date.now() - serverAt();

const minutesSince = (since) => Math.max(0, Math.floor((Date.now() - ahead - Date.parse(since)) / 60000));

function span(minutes) {
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
}

function ago(since) {
  const minutes = minutesSince(since);
  return minutes < 1 ? "just now" : `${span(minutes)} ago`;
}

function tell() {
  board.querySelectorAll("[data-since]").forEach((each) => (each.textContent = ago(each.dataset.since)));
  // Only while a team is on duty; when it goes off, the mark of the board changes and the rows come anew.
  board.querySelectorAll("[data-unread]").forEach((each) => (each.textContent = span(minutesSince(each.dataset.unread))));
}

function onShow(putInPlace) {
  const before = new Set(ids("[data-row]"));
  putInPlace();
  ahead = Date.now() - serverAt();
  const fresh = ids("[data-row]").filter((id) => !before.has(id));
  const [count, unchecked] = [ids("[data-counts]").length, ids("[data-unchecked]").length];
  document.title = document.title.replace(/^(\(\d+\) )?/, count ? `(${count}) ` : "");
  if (fresh.length) spoken.textContent = `${fresh.length} new. ${count} to open, ${unchecked} could not be checked.`;
}

setInterval(tell, TIMES_EVERY);
follow({ list: board, base: address, home: address, checks: CHECK_EVERY, onShow });
