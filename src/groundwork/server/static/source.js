// A fragment in the address scrolls there by itself; this puts the cited place into the middle.
document.querySelector("#cite")?.scrollIntoView({ block: "center" });
