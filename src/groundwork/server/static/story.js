// How an answer was made: facts, and the steps of the request as bars on one time line.

import { element } from "./markup.js";

const NAMES = [
  [/^invoke_agent (.*)$/, "Whole request"],
  [/^guard input$/, "Rails on the question"],
  [/^guard output$/, "Rails on the answer"],
  [/^retrieval (.*)$/, "Search in $1"],
  [/^cache (.*)$/, "Kept answers"],
  [/^chat (.*)$/, "Model $1"],
  [/^execute_tool (.*)$/, "Tool $1"],
];

export function seconds(value) {
  if (value < 0.0995) return `${(value * 1000).toFixed(value < 0.00995 ? 1 : 0)} ms`;
  return value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(0)} s`;
}

function spoken(name) {
  for (const [pattern, said] of NAMES) if (pattern.test(name)) return name.replace(pattern, said);
  return name;
}

export function facts(target, trace) {
  const usage = trace.usage ?? {};
  const rows = [
    ["Model", trace.model || "none was asked"],
    ["Time", seconds(trace.seconds)],
    ["Cost", trace.cached ? "none, kept answer" : trace.cost == null ? "no price known" : `${trace.cost.toFixed(trace.cost ? 6 : 2)} USD`],
    ["Tokens in and out", `${usage.input_tokens ?? 0} and ${usage.output_tokens ?? 0}`],
  ];
  if (trace.route && trace.route !== "default") rows.push(["Route", trace.route]);
  if (trace.versions?.release) rows.push(["Release", trace.versions.release]);
  const shown = rows.map(([name, value]) => element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value })));
  shown.push(element("div", { className: "wide" }, element("dt", { textContent: "Trace" }), element("dd", { textContent: trace.id })));
  target.replaceChildren(...shown);
}

export function steps(target, trace) {
  const whole = Math.max(trace.seconds, 0.000001);
  const depths = new Map();
  const parents = new Map(trace.steps.map((step) => [step.id, step.parent]));
  for (const step of trace.steps) {
    let depth = 0;
    for (let parent = step.parent; parent && depth < 8; parent = parents.get(parent)) depth += 1;
    depths.set(step.id, depth);
  }
  target.replaceChildren(...trace.steps.map((step) => row(step, depths.get(step.id), whole)));
}

function row(step, depth, whole) {
  const what = element("span", { className: "what", textContent: spoken(step.name), title: step.name });
  what.style.paddingLeft = `${depth * 0.8}rem`;
  const bar = element("i");
  bar.style.left = `${Math.min(99, (100 * step.start) / whole)}%`;
  bar.style.width = `${Math.min(100, (100 * step.seconds) / whole)}%`;
  const track = element("span", { className: "track", ariaHidden: "true" }, bar);
  const time = element("span", { className: "time", textContent: seconds(step.seconds) });
  const details = element("dl");
  for (const [name, value] of [["step", step.name], ["status", step.status], ...Object.entries(step.attributes)]) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    details.append(element("dt", { textContent: name }), element("dd", { textContent: text }));
  }
  return element("li", { className: step.status === "ok" ? "" : "failed" }, element("details", {}, element("summary", {}, what, track, time), details));
}
