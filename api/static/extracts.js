// The upload: how far the file is on its way; then the page of the upload. Without this script the browser waits for that.
const form = document.querySelector("[data-upload]");
const progress = document.querySelector("[data-progress]");
const bar = progress.querySelector("progress");
const words = progress.querySelector("[data-progress-words]");
const problem = document.querySelector("[data-problem]");
const button = form.querySelector("button:not([type=button])");

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

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  if (data.get("file").size > Number(form.dataset.largest)) {
    return fail({ file: `The file is larger than ${Math.floor(form.dataset.largest / 1_000_000)} MB` });
  }
  button.disabled = true;
  progress.hidden = false;
  const request = new XMLHttpRequest();
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => {
    [bar.max, bar.value] = [total, loaded];
    words.textContent = loaded < total ? `Sending the file: ${Math.round((100 * loaded) / total)} %` : "Nightlight writes the file down.";
  };
  request.onload = () => {
    const answer = request.response || {};
    if (answer.upload) location.assign(answer.upload);
    else if (answer.errors) fail(answer.errors);
    else if (request.status === 401) location.assign("/extracts");
    else fail({ file: "Nightlight did not take the file. Reload this page and try again." });
  };
  request.onerror = () => fail({ file: "The connection was lost. Send the same file again: nothing happens twice." });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json, text/html");
  request.send(data);
});
