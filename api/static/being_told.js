// A sound, or a notification of the browser, when an alert comes: only where somebody asked for it here, and in words that name
// nobody. The browser is asked for leave when the person asks, never before.
const TITLE = "Nightlight";
const WORDS = "safeguarding information: open Nightlight";

const part = document.querySelector("[data-telling]");
const words = document.querySelector("[data-telling-words]");
const box = { sound: document.getElementById("sound"), notify: document.getElementById("notify") };
let audio = null;

const key = (name) => `nightlight-${name}`;
const wanted = (name) => recall(key(name)) === "on";

// A browser may keep nothing (private windows, rules of the organisation): then it holds until the page is left.
const here = new Map();

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return here.get(name) ?? null;
  }
}

function remember(name, value) {
  here.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // said above
  }
}

function say(sentence) {
  words.textContent = sentence;
}

function choose(name, on) {
  remember(key(name), on ? "on" : "off");
  box[name].checked = on;
}

async function soundChosen() {
  choose("sound", box.sound.checked);
  if (!box.sound.checked) return say("No sound is made.");
  beep();
  say("You should have heard the sound. After this page is opened anew, a browser may stay silent until you have pressed a key or clicked on it.");
}

async function notifyChosen() {
  if (!box.notify.checked) {
    choose("notify", false);
    return say("No notification is shown.");
  }
  if (!("Notification" in window)) return cannot("This browser cannot show notifications.");
  const leave = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
  if (leave !== "granted")
    return cannot("This browser does not allow Nightlight to show notifications. Allow it in the settings of the browser for this address, or ask who looks after this computer.");
  choose("notify", true);
  say("A notification is shown when an alert comes, for as long as this page is open.");
}

function cannot(sentence) {
  choose("notify", false);
  say(sentence);
}

function beep() {
  try {
    audio ??= new AudioContext();
    audio.resume();
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const at = audio.currentTime;
    tone.frequency.setValueAtTime(660, at);
    tone.frequency.setValueAtTime(880, at + 0.18);
    volume.gain.setValueAtTime(0.2, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.45);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.5);
  } catch {
    say("This browser makes no sound.");
  }
}

function notify() {
  try {
    const shown = new Notification(TITLE, { body: WORDS, tag: "nightlight", renotify: true });
    shown.addEventListener("click", () => window.focus());
  } catch {
    cannot("This browser cannot show notifications from this page.");
  }
}

export function tellOfNew() {
  if (wanted("sound")) beep();
  if (wanted("notify")) notify();
}

export function startTelling() {
  part.hidden = false;
  box.sound.checked = wanted("sound");
  box.notify.checked = wanted("notify");
  if (wanted("notify") && (!("Notification" in window) || Notification.permission !== "granted"))
    cannot("Notifications were on, and this browser does not allow them any more.");
  box.sound.addEventListener("change", soundChosen);
  box.notify.addEventListener("change", notifyChosen);
}
