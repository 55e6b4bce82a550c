// The upload: how far the file is on its way, then how far the load is. Without this script the browser waits for the report.
const form = document.querySelector("[data-upload]");
const progress = document.querySelector("[data-progress]");
const bar = progress.querySelector("progress");
const words = progress.querySelector("[data-progress-words]");
const problem = document.querySelector("[data-problem]");
const button = form.querySelector("button:not([type=button])");

function move(done, total, sentence) {
  if (total) [bar.max, bar.value] = [total, done];
  else bar.removeAttribute("value");
  words.textContent = sentence;
}

function fail(errors) {
  progress.hidden = true;
  button.disabled = false;
  problem.innerHTML =
    '<div class="nhsuk-error-summary" tabindex="-1" role="alert"><h2 class="nhsuk-error-summary__title">There is a problem</h2>' +
    '<div class="nhsuk-error-summary__body"><ul class="nhsuk-list nhsuk-error-summary__list"></ul></div></div>';
  for (const [field, text] of Object.entries(errors)) {
    const link = Object.assign(document.createElement("a"), { href: `#${field}`, textContent: text });
    problem.querySelector("ul").appendChild(document.createElement("li")).append(link);
  }
  problem.firstChild.focus();
}

function follow(text) {
  const lines = text.split("\n").slice(0, -1);
  const last = lines.length ? JSON.parse(lines.at(-1)) : {};
  if (last.report) location.assign(last.report);
  else if (last.errors) fail(last.errors);
  else if (last.step === "reading") move(0, null, `Reading: ${last.done.toLocaleString("en-GB")} records`);
  else if (last.step) move(last.done, last.total, `Loading: ${last.done.toLocaleString("en-GB")} of ${last.total.toLocaleString("en-GB")} records`);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  if (data.get("file").size > Number(form.dataset.largest)) {
    return fail({ file: `The file is larger than ${Math.floor(form.dataset.largest / 1_000_000)} MB` });
  }
  button.disabled = true;
  progress.hidden = false;
  const request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded, total }) => move(loaded, total, `Sending the file: ${Math.round((100 * loaded) / total)} %`);
  request.onprogress = () => isLines(request) && follow(request.responseText);
  request.onload = () => {
    if (isLines(request)) follow(request.responseText);
    else if (request.status === 401) location.assign("/extracts");
    else fail({ file: "Nightlight did not take the file. Reload this page and try again." });
  };
  request.onerror = () => fail({ file: "The connection was lost. Load the same file again: it goes on from where it stopped." });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/x-ndjson, text/html");
  request.send(data);
});

const isLines = (request) => (request.getResponseHeader("content-type") || "").startsWith("application/x-ndjson");
