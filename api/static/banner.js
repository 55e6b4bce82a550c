// Details on the banner: count down, warn, and hide. The server asks the browser for the same (Refresh), so that details
// hide without this script too; here they also go the moment that the time is up, even if the network is away.
import { follow } from "./live.js";

const bar = document.querySelector("[data-hide-after]");
const words = bar.querySelector("[data-hide-words]");
const spoken = bar.querySelector("[data-hide-spoken]");
const end = Date.now() + Number(bar.dataset.hideAfter) * 1000;
const WARN_AT = 15;

function hide() {
  clearInterval(timer);
  document.getElementById("maincontent").replaceChildren();
  location.replace(bar.dataset.hideTo);
}

function tick() {
  const left = Math.ceil((end - Date.now()) / 1000);
  if (left <= 0) return hide();
  words.textContent = `Details hide in ${left} ${left === 1 ? "second" : "seconds"}.`;
  if (left <= WARN_AT && !spoken.textContent) spoken.textContent = `Details hide in ${WARN_AT} seconds.`;
}

const timer = setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
window.addEventListener("pageshow", (event) => event.persisted && hide());
tick();

// An answer, or a question, shows while the details are open.
const told = document.getElementById("told");
const toldSpoken = document.querySelector("[data-told-spoken]");

function onShow(putInPlace) {
  putInPlace();
  toldSpoken.textContent = "What social care was told, or has answered, has changed.";
}

if (told) follow({ list: told, base: told.dataset.base, home: bar.dataset.hideTo, onShow });
