// The list of items: found, filtered, sorted and paged. Answers are hostile: they only ever become text nodes.
"use strict";

const data = JSON.parse(document.querySelector("#data").textContent);
const at = (name) => document.querySelector(`#${name}`);
const SIZE = 50;
const two = data.sides.length === 2;
let found = [];
let first = 0;

function element(name, content, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

function option(value, text) {
  return element("option", text, { value });
}

// A score is [value, status, detail, evidence], or null where the metric was not asked.
function value(side, place) {
  const score = side?.scores[place];
  return score && score[1] === "ok" ? score[0] : null;
}

function shown(side, place) {
  const score = side?.scores[place];
  if (!side) return "no answer";
  if (!score) return "";
  return score[1] === "ok" ? String(Number(score[0].toPrecision(4))) : score[1];
}

function both(item, place) {
  const said = item.sides.map((side) => shown(side, place));
  return said.every((one) => one === "unscored") ? "–" : said.join(" → ");
}

// Positive: the second side is better.
function gain(item, place) {
  const [before, after] = item.sides.map((side) => value(side, place));
  if (before === null || after === null || before === undefined || after === undefined) return null;
  return (after - before) * (data.metrics[place].better === "higher" ? 1 : -1);
}

function passes(item, place) {
  const wanted = at("show").value;
  if (!wanted) return true;
  if (two) {
    const by = gain(item, place);
    if (wanted === "unread") return item.sides.some((side) => ["unparseable", "error"].includes(side?.scores[place]?.[1]));
    return by !== null && { gained: by > 0, lost: by < 0, same: by === 0 }[wanted];
  }
  const score = item.sides[0]?.scores[place];
  if (wanted === "unread") return ["unparseable", "error"].includes(score?.[1]);
  const best = data.metrics[place].better === "higher" ? 1 : 0;
  return score?.[1] === "ok" && (wanted === "right" ? score[0] === best : score[0] !== best);
}

function key(item, place) {
  return two ? gain(item, place) : value(item.sides[0], place);
}

function choose() {
  const place = Number(at("metric").value || 0);
  const words = at("find").value.trim().toLowerCase();
  const status = at("status").value;
  const sort = at("sort").value;
  found = data.items.filter((item) =>
    (!words || item.text.includes(words)) &&
    (!status || item.sides.some((side) => side?.status === status)) &&
    (!data.metrics.length || passes(item, place)));
  if (sort === "id") found.sort((one, other) => one.id.localeCompare(other.id));
  if (sort === "up" || sort === "down") {
    const sign = sort === "up" ? 1 : -1;
    found.sort((one, other) => {
      const [left, right] = [key(one, place), key(other, place)];
      if (left === null || right === null) return (left === null) - (right === null);
      return sign * (left - right);
    });
  }
  first = 0;
  draw();
}

function detail(item) {
  const parts = [];
  const add = (name, content) => parts.push(element("div", [element("dt", name), element("dd", content)]));
  if (item.question) add("Question", item.question);
  if (item.expected) add("Expected", item.expected);
  item.sides.forEach((side, place) => {
    const who = data.sides[place];
    const of = two ? ` of ${who}` : "";
    if (!side) return add(`Answer${of}`, "no answer");
    add(`Answer${of}`, side.answer || (side.error ? `error: ${side.error}` : "(empty)"));
    side.scores.forEach((score, metric) => {
      if (!score || (!score[2] && !score[3])) return;
      const content = [score[2] || ""];
      if (score[3]) content.push(element("pre", JSON.stringify(score[3], null, 2)));
      add(`${data.metrics[metric].name}${of}: ${shown(side, metric)}`, content);
    });
    if (side.trace) add(`Trace${of}`, element("code", `groundwork show ${side.trace}`));
  });
  return element("dl", parts);
}

function row(item) {
  const open = element("button", item.name, { type: "button", class: "open", "aria-expanded": "false" });
  const cells = [element("th", open, { scope: "row" })];
  if (data.has_questions) cells.push(element("td", item.question));
  cells.push(element("td", item.sides.map((side) => side?.status ?? "none").join(" → ")));
  data.metrics.forEach((_, place) => cells.push(element("td", both(item, place))));
  const made = element("tr", cells);
  open.addEventListener("click", () => {
    const next = made.nextElementSibling;
    const isOpen = next?.classList.contains("detail");
    open.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) return next.remove();
    made.after(element("tr", element("td", detail(item), { colspan: String(cells.length) }), { class: "detail" }));
  });
  return made;
}

function draw() {
  at("table").tBodies[0].replaceChildren(...found.slice(first, first + SIZE).map(row));
  at("count").textContent = `${found.length} of ${data.items.length} items`;
  at("pager").hidden = found.length <= SIZE;
  at("page").textContent = `${first + 1} to ${Math.min(first + SIZE, found.length)}`;
  at("before").disabled = first === 0;
  at("after").disabled = first + SIZE >= found.length;
}

function start() {
  for (const item of data.items) {
    item.name = item.id + (item.repeat ? `, repeat ${item.repeat}` : "") + (item.turn ? `, turn ${item.turn}` : "");
    item.text = [item.name, item.question, ...item.sides.map((side) => side?.answer ?? "")].join("\n").toLowerCase();
  }
  const names = ["item", ...(data.has_questions ? ["question"] : []), "status", ...data.metrics.map((metric) => metric.name)];
  at("table").tHead.replaceChildren(element("tr", names.map((name) => element("th", name, { scope: "col" }))));
  const statuses = new Set(data.items.flatMap((item) => item.sides.map((side) => side?.status).filter(Boolean)));
  at("status").append(...[...statuses].sort().map((status) => option(status, status)));
  at("metric").append(...data.metrics.map((metric, place) => option(String(place), metric.name)));
  const kinds = two
    ? [["", "all"], ["gained", "B better"], ["lost", "A better"], ["same", "no difference"], ["unread", "not read"]]
    : [["", "all"], ["wrong", "not right"], ["right", "right"], ["unread", "not read"]];
  at("show").append(...kinds.map(([name, text]) => option(name, text)));
  for (const name of ["status", "metric", "show", "sort"]) at(name).addEventListener("change", choose);
  at("find").addEventListener("input", choose);
  at("before").addEventListener("click", () => { first -= SIZE; draw(); });
  at("after").addEventListener("click", () => { first += SIZE; draw(); });
  at("controls").hidden = false;
  choose();
}

start();
