// What every script of the buyer's pages begins with: asking the server, and making what is shown. It comes after the
// clock and before the page's own script.

const ANSWER_WITHIN_MS = 10_000;

const said = (both) => both[zh ? 1 : 0];
const between = (low, high) => low + Math.random() * (high - low);
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const byId = (id) => document.getElementById(id);
const root = `/${location.pathname.split("/")[1]}`;

async function call(method, path, { headers = {}, credentials = "same-origin", body } = {}) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), ANSWER_WITHIN_MS);
  const sent = performance.now();
  try {
    const reply = await fetch(path, { method, headers, credentials, body, cache: "no-store", signal: stop.signal });
    const came = performance.now();
    const envelope = await reply.json().catch(() => ({}));
    // A proxy's own "no" has no envelope; a success without one is not an answer of ours.
    const ret = envelope?.ret ?? (reply.ok ? undefined : -reply.status);
    const retryAfter = Number(reply.headers.get("Retry-After")) * 1000 || 0;
    return { ret, data: envelope?.data ?? {}, sent, came, retryAfter };
  } catch {
    return { ret: undefined, data: {}, retryAfter: 0 };
  } finally {
    clearTimeout(late);
  }
}

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function link(className, path, text) {
  const made = make("a", className, text);
  made.href = root + path;
  return made;
}

// Writing the same text again would make some screen readers say it again.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A browser may refuse storage, as some private windows do: then what would be kept lives as long as the page.
const shelf = {
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  },
  set(name, value, kept) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value, kept));
    } catch { /* The page goes on without it. */ }
  },
};
