// A source on a page of its own.

import { withKey } from "./original.js";

// A fragment in the address scrolls there by itself; this puts the cited place into the middle.
document.querySelector("#cite")?.scrollIntoView({ block: "center" });
for (const link of document.querySelectorAll("#place a")) withKey(link);
