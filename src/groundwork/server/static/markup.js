// An answer's text as elements. Only nodes are made, never HTML from text, so that an answer cannot bring markup of its own.

const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w])_((?:[^_\n]|_(?=\w))+)_(?!\w)|\[(\d+(?:\s*,\s*\d+)*)\]/g;

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function render(target, text, cite) {
  target.replaceChildren(...blocks(text, cite));
}

function blocks(text, cite) {
  const made = [];
  text.split(/^```.*$/m).forEach((part, place) => {
    if (place % 2) {
      made.push(element("pre", {}, element("code", { textContent: part.replace(/^\n|\n$/g, "") })));
    } else {
      for (const paragraph of part.split(/\n{2,}/)) if (paragraph.trim()) made.push(block(paragraph.trim(), cite));
    }
  });
  return made;
}

function block(text, cite) {
  const lines = text.split("\n");
  const bullets = lines.every((line) => /^\s*[-*•]\s+/.test(line));
  const numbers = lines.every((line) => /^\s*\d+[.)]\s+/.test(line));
  if (bullets || numbers) {
    const items = lines.map((line) => element("li", {}, ...inline(line.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, ""), cite)));
    return element(bullets ? "ul" : "ol", {}, ...items);
  }
  const heading = lines.length === 1 && /^#{1,6}\s+(.*)$/.exec(text);
  if (heading) return element("h3", {}, ...inline(heading[1], cite));
  const paragraph = element("p");
  lines.forEach((line, place) => paragraph.append(...(place ? [element("br")] : []), ...inline(line, cite)));
  return paragraph;
}

function inline(text, cite) {
  const made = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    made.push(text.slice(at, match.index));
    const [whole, code, strong, emphasis, numbers] = match;
    if (code) made.push(element("code", { textContent: code }));
    else if (strong) made.push(element("strong", {}, ...inline(strong, cite)));
    else if (emphasis) made.push(element("em", {}, ...inline(emphasis, cite)));
    else made.push(...numbers.split(",").map((number) => cite(Number(number))));
    at = match.index + whole.length;
  }
  made.push(text.slice(at));
  return made;
}
