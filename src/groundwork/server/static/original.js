// The file behind a source. A link carries no key, so where one is in use the file is fetched with it and opened from there.

import { call, hasKey } from "./wire.js";

export function withKey(link) {
  link.addEventListener("click", (event) => {
    const url = new URL(link.href);
    if (!hasKey() || url.origin !== location.origin) return;
    event.preventDefault();
    show(url, (link.target === "_blank" && window.open("about:blank", "_blank")) || window); // this tab, where a new one is blocked
  });
}

// Fetch a file with the key and show it in a tab at its `#page`, or save it where it is to be saved.
export async function show(url, tab) {
  try {
    const response = await call(url.pathname + url.search);
    const file = URL.createObjectURL(await response.blob());
    const name = /filename\*=UTF-8''(\S+)/.exec(response.headers.get("content-disposition") ?? "");
    if (!name) {
      tab.location.replace(file + url.hash);
      return;
    }
    if (tab !== window) tab.close();
    const saved = document.createElement("a");
    saved.href = file;
    saved.download = decodeURIComponent(name[1]);
    saved.click();
  } catch {
    tab.location.replace(url.href); // the server's own page says what is wrong
  }
}
