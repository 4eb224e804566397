// A source beside the answer, opened at the cited place.

import { withKey } from "./original.js";
import { call } from "./wire.js";

const panel = document.querySelector("#panel");
const text = document.querySelector("#panel-text");
const title = document.querySelector("#panel-title");
const place = document.querySelector("#panel-place");
const original = document.querySelector("#panel-original");

export async function open(citation) {
  const url = new URL(citation.url, location.href);
  const path = url.pathname + url.search;
  title.textContent = citation.title.split(" > ").pop();
  place.textContent = citation.source;
  text.replaceChildren("Opening the source…");
  document.querySelector("#panel-alone").href = path + url.hash;
  original.hidden = true;
  if (!panel.open) panel.showModal();
  try {
    const page = new DOMParser().parseFromString(await (await call(path)).text(), "text/html");
    place.textContent = page.querySelector("#place").textContent;
    const file = page.querySelector("#place a")?.getAttribute("href");
    if (file) original.href = file;
    original.hidden = !file;
    text.replaceChildren(...document.importNode(page.querySelector("#document"), true).childNodes);
    text.focus({ preventScroll: true });
    text.querySelector("#cite")?.scrollIntoView({ block: "center" });
  } catch (error) {
    text.replaceChildren(`${error.message} ${error.fix ?? ""}`);
  }
}

withKey(original);
document.querySelector("#panel-close").addEventListener("click", () => panel.close());
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});
panel.addEventListener("close", () => text.replaceChildren());
