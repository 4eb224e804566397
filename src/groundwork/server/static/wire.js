// Speaking with the server: one place for the key, for errors and for streams.

let key = sessionStorage.getItem("groundwork-key") ?? "";

export function useKey(value) {
  key = value.trim();
  sessionStorage.setItem("groundwork-key", key);
}

export function hasKey() {
  return key !== "";
}

export class Refused extends Error {
  constructor(status, error) {
    super(error.message ?? `The server answered with ${status}.`);
    this.status = status;
    this.fix = error.fix ?? "";
    this.trace = error.trace ?? "";
  }
}

export async function call(path, { body, signal } = {}) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const options = { headers, signal, method: body === undefined ? "GET" : "POST" };
  if (body !== undefined) options.body = JSON.stringify(body);
  const response = await fetch(path, options);
  if (response.ok) return response;
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Not every refusal comes as JSON; the status says enough then.
  }
  throw new Refused(response.status, error);
}

// Yields the chunks of a streamed answer. A stream that ends without [DONE] was cut, and is never taken for a whole answer.
export async function* chunks(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Refused(0, { message: "The answer broke off.", fix: "Ask again." });
    buffer += value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Refused(200, chunk.error);
      yield chunk;
    }
  }
}
