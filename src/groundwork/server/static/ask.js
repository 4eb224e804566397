// The first page: ask, read the answer with its sources, see how it was made, say what you think of it.

import { element, render } from "./markup.js";
import { open } from "./panel.js";
import { facts, seconds, steps } from "./story.js";
import { Refused, call, chunks, useKey } from "./wire.js";

const at = (id) => document.querySelector(`#${id}`);
const app = at("main").dataset.app;
let running = null;
let retry = null;
let trace = "";

// -- asking

async function ask(question) {
  running?.abort();
  const mine = (running = new AbortController());
  begin(question);
  const answer = { text: "", citations: [] };
  const started = performance.now();
  try {
    const body = { model: app, messages: [{ role: "user", content: question }], stream: true };
    const response = await call("/v1/chat/completions", { body, signal: mine.signal });
    let drawn = 0;
    for await (const chunk of chunks(response)) {
      const choice = chunk.choices[0];
      answer.text += choice?.delta?.content ?? "";
      answer.text += choice?.delta?.refusal ?? "";
      if (chunk.groundwork) finish(answer, chunk.groundwork, choice.finish_reason);
      else if (!drawn) drawn = requestAnimationFrame(() => { drawn = 0; if (running === mine && !trace) draw(answer); });
    }
    at("progress").textContent = `Answered in ${seconds((performance.now() - started) / 1000)}.`;
    await tell();
  } catch (error) {
    if (running === mine) fail(error, question, answer);
  } finally {
    if (running === mine) settle();
  }
}

function begin(question) {
  trace = "";
  retry = null;
  for (const id of ["problem", "key-form", "sources", "feedback", "story", "verdicts"]) at(id).hidden = true;
  at("asked").textContent = question;
  at("text").replaceChildren();
  at("text").classList.add("busy");
  at("progress").textContent = "Working on it…";
  at("thanks").textContent = "";
  at("better").value = "";
  for (const id of ["good", "bad"]) at(id).setAttribute("aria-pressed", "false");
  at("answer").hidden = false;
  at("stop").hidden = false;
}

function settle() {
  running = null;
  at("stop").hidden = true;
  at("text").classList.remove("busy");
}

function draw(answer) {
  const seen = new Map();
  render(at("text"), answer.text, (number) => {
    // Where several citations bear one number (two quotes of one passage), they belong to its markers in turn.
    const named = answer.citations.filter((citation) => citation.number === number);
    const citation = named[Math.min(seen.get(number) ?? 0, named.length - 1)];
    seen.set(number, (seen.get(number) ?? 0) + 1);
    return citation ? link(citation, `${number}`) : `[${number}]`;
  });
}

function link(citation, text, ...children) {
  const url = new URL(citation.url, location.href);
  const made = element("a", { href: url.pathname + url.search + url.hash, className: children.length ? "" : "cite", title: citation.title }, ...(children.length ? children : [text]));
  if (!children.length) made.ariaLabel = `Source ${citation.number}: ${citation.title}`;
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(citation);
  });
  return made;
}

function finish(answer, groundwork, reason) {
  trace = groundwork.trace;
  answer.citations = groundwork.citations;
  draw(answer);
  const list = answer.citations.map((citation) => {
    const where = citation.line ? `${citation.source}, line ${citation.line}` : citation.page ? `${citation.source}, page ${citation.page}` : citation.source;
    const path = citation.title.split(" > ");
    const parts = [["number", citation.number], ["title", path.pop()], ["quote", citation.quote], ["file", [where, ...path].join(" · ")]];
    return element("li", {}, link(citation, "", ...parts.map(([className, text]) => element("span", { className, textContent: text }))));
  });
  at("source-list").replaceChildren(...list);
  at("sources").hidden = !list.length;
  const said = groundwork.verdicts.map((verdict) => `${verdict.rail}: ${verdict.action}${verdict.reason ? ` (${verdict.reason})` : ""}`);
  if (reason === "length") said.push("The answer was cut at its greatest length.");
  at("verdicts").replaceChildren(...said.map((textContent) => element("li", { textContent })));
  at("verdicts").hidden = !said.length;
  at("feedback").hidden = false;
}

async function tell() {
  const story = await (await call(`/v1/traces/${encodeURIComponent(trace)}`)).json();
  facts(at("facts"), story);
  steps(at("steps"), story);
  at("story").hidden = false;
}

// -- what can go wrong

function fail(error, question, answer) {
  const stopped = error.name === "AbortError";
  at("progress").textContent = stopped ? "Stopped." : answer.text ? "This answer is not whole." : "";
  at("answer").hidden = !stopped && !answer.text;
  if (stopped) return;
  const refused = error instanceof Refused ? error : { message: "The server cannot be reached.", fix: "Look whether it still runs.", trace: "" };
  const lines = [element("p", {}, element("strong", { textContent: refused.message }))];
  if (refused.fix) lines.push(element("p", { textContent: refused.fix }));
  if (refused.trace) lines.push(element("p", { className: "hint", textContent: refused.trace }));
  at("problem").replaceChildren(...lines);
  at("problem").hidden = false;
  if (refused.status === 401) {
    retry = question;
    at("key-form").hidden = false;
    at("key").focus();
  }
}

async function look() {
  try {
    const health = await (await call("/health")).json();
    at("health").textContent = health.status === "ok" ? "Ready" : (health.problems?.[0] ?? "Not everything works at present");
    at("health").classList.toggle("degraded", health.status !== "ok");
  } catch {
    at("health").textContent = "The server does not answer";
  }
}

// -- feedback

async function give(type, value) {
  at("thanks").textContent = "";
  try {
    await call("/v1/feedback", { body: { trace, type, value } });
    at("thanks").textContent = type === "boolean" ? "Noted, thank you." : "Kept as the right answer, thank you.";
    return true;
  } catch (error) {
    at("thanks").textContent = `Not kept: ${error.message} ${error.fix ?? ""}`;
    return false;
  }
}

async function thumb(good) {
  if (!(await give("boolean", good))) return;
  at("good").setAttribute("aria-pressed", String(good));
  at("bad").setAttribute("aria-pressed", String(!good));
  if (!good) at("better").focus();
}

// -- what a person does

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = at("question").value.trim();
  if (question) ask(question);
});
at("question").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("ask").requestSubmit();
});
at("stop").addEventListener("click", () => running?.abort());
at("key-open").addEventListener("click", () => {
  at("key-form").hidden = false;
  at("key").focus();
});
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(at("key").value);
  look();
  at("key-form").hidden = true;
  if (retry) ask(retry);
});
at("good").addEventListener("click", () => thumb(true));
at("bad").addEventListener("click", () => thumb(false));
at("teach").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await give("demonstration", at("better").value.trim())) at("better").value = "";
});
look();
