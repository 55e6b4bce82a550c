// An upload that is being loaded: asks how far it is, and leads on once it has ended. Without this script the page looks again itself.
const progress = document.querySelector("[data-status]");
const bar = progress.querySelector("progress");
const words = progress.querySelector("[data-words]");

async function look() {
  try {
    const answer = await fetch(progress.dataset.status, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (answer.ok) {
      const status = await answer.json();
      if (status.has_ended) return location.reload();
      if (status.total) [bar.max, bar.value] = [status.total, status.done];
      else bar.removeAttribute("value");
      if (words.textContent !== status.words) words.textContent = status.words;
    }
  } catch {
    words.textContent = "The connection was lost. The extract is loaded all the same.";
  }
  setTimeout(look, 1000);
}

look();
