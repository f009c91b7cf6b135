// The live screen of an activity: asks for its figures every second while somebody looks, and draws them.
// The page without this script has the same figures, of the moment it was made; nothing here changes a sale.

/** Between two questions, while they are answered. */
const EVERY_MS = 1000;
/** An answer that takes longer is given up. */
const PATIENCE_MS = 5000;
/** Between two questions that were not answered, at most. */
const AGAIN_MS_MAX = 8000;
/** What the drawing shows. */
const DRAWN_MS = 120_000;
/** Over how long an answer's 99 of 100 is taken: a second alone has too few claims to say anything. */
const LATENCY_MS = 10_000;
/** Two figures further apart than this are not joined by a line: nobody looked in between. */
const GAP_MS = 4000;
/** Between two changes of the drawing's words, for those who hear it. */
const WORDS_MS = 10_000;
/** How long it is said that a connection is there again. */
const SAID_MS = 5000;
/** Of the drawing, in pixels; as wide as there is room. */
const HEIGHT = 220;
const SIDES = { left: 44, right: 12, top: 12, bottom: 26 };

const zh = document.documentElement.lang.startsWith("zh");
const t = (english, chinese) => (zh ? chinese : english);
const at = (id) => document.getElementById(id);

const STATES = {
  upcoming: t("upcoming", "未开始"),
  open: t("open", "进行中"),
  sold_out: t("sold out", "已抢光"),
  paused: t("paused", "已暂停"),
  ended: t("ended", "已结束"),
  closed: t("closed", "已关闭"),
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Ends once the page can be seen. */
const seen = () =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve();
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });

/** Changes a text only where it differs, so that nobody's reading or selection is disturbed. */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

const number = (value) => new Intl.NumberFormat(zh ? "zh-CN" : "en").format(value);

function pace(value) {
  const rounded = value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
  return number(rounded);
}

/** The moment in the reader's own zone, in the form in which the page has it in the configured one. */
function moment(seconds) {
  const local = new Date(seconds * 1000);
  const pad = (value) => String(value).padStart(2, "0");
  const date = [local.getFullYear(), pad(local.getMonth() + 1), pad(local.getDate())].join("-");
  const clock = [local.getHours(), local.getMinutes(), local.getSeconds()].map(pad).join(":");
  const east = -local.getTimezoneOffset();
  const minutes = Math.abs(east) % 60;
  const zone = east === 0 ? "UTC" : `UTC${east < 0 ? "-" : "+"}${Math.floor(Math.abs(east) / 60)}${minutes ? `:${pad(minutes)}` : ""}`;
  return `${date} ${clock} ${zone}`;
}

class SignedOut extends Error {}

async function ask(act) {
  const answer = await fetch(`/admin/act/live?actId=${encodeURIComponent(act)}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.status === 401 || answer.status === 403) throw new SignedOut();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()).data;
}

/** What answers say together: they are kept for as long as they are drawn. */
class History {
  answers = [];
  /** `{time, claims, refusals}`, both a second. */
  paces = [];

  add(answer) {
    const before = this.answers.at(-1);
    // A server that was started anew counts from nothing: what it says cannot be compared with what was said before.
    const anew = before && (answer.refusals < before.refusals || answer.accepted < before.accepted
      || answer.latency.counts.some((count, place) => count < before.latency.counts[place]));
    if (anew) this.answers = [];
    else if (before && answer.server_time > before.server_time) this.paces.push(paceBetween(before, answer));
    this.answers.push(answer);
    this.answers = this.answers.filter((one) => one.server_time >= answer.server_time - 2 * LATENCY_MS);
    this.paces = this.paces.filter((one) => one.time >= answer.server_time - DRAWN_MS);
  }

  /** Milliseconds within which 99 of 100 claims of the last ten seconds were answered; nothing where there were none. */
  p99() {
    const now = this.answers.at(-1);
    const from = this.answers.findLast((one) => one.server_time <= now.server_time - LATENCY_MS) ?? this.answers[0];
    const counts = now.latency.counts.map((count, place) => count - from.latency.counts[place]);
    const all = counts.reduce((sum, count) => sum + count, 0);
    if (all === 0) return undefined;
    let until = 0;
    const place = counts.findIndex((count) => (until += count) >= all * 0.99);
    return now.latency.bounds_ms[place] ?? Infinity;
  }
}

function paceBetween(before, answer) {
  const seconds = (answer.server_time - before.server_time) / 1000;
  return {
    time: answer.server_time,
    claims: (answer.accepted - before.accepted) / seconds,
    refusals: (answer.refusals - before.refusals) / seconds,
  };
}

/** The server's clock, carried on by this machine's steady one. */
class Clock {
  constructor(serverMs) {
    this.hear(serverMs, performance.now());
  }

  hear(serverMs, heardAt) {
    this.ahead = serverMs - heardAt;
  }

  now() {
    return this.ahead + performance.now();
  }
}

/** Seconds as 2:05, 1:02:05 or 3 days 1:02:05. */
function countdown(seconds) {
  const pad = (value) => String(value).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const clock = hours || days ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
  return days ? `${days} ${t(days > 1 ? "days" : "day", "天")} ${clock}` : clock;
}

function showClock(sale, clock) {
  const [start, end, now] = [sale.start * 1000, sale.end * 1000, clock.now()];
  const over = sale.closed || now >= end;
  const until = now < start ? start : end;
  at("clock").hidden = over;
  const words = now < start ? t("It starts in", "距开始") : t("It ends in", "距结束");
  write(at("until"), sale.closed ? t("Closed for good", "已永久关闭") : over ? t("It is over", "活动已结束") : words);
  if (!over) write(at("clock"), countdown(Math.ceil((until - now) / 1000)));
}

function showCounts(answer) {
  const sum = (name) => answer.types.reduce((all, kind) => all + kind[name], 0);
  for (const name of ["available", "held", "unpaid", "sold", "total", "waiting"]) {
    write(at(name), number(sum(name)));
    for (const kind of answer.types) {
      const row = document.querySelector(`tr[data-type="${CSS.escape(kind.id)}"]`);
      write(row?.querySelector(`[data-count="${name}"]`), number(kind[name]));
    }
  }
  write(at("participants"), number(answer.participants));
  for (const row of document.querySelectorAll("[data-refused]")) {
    write(row, number(answer.refused[row.dataset.refused] ?? 0));
  }
  write(at("start"), moment(answer.start_time));
  write(at("end"), moment(answer.end_time));
  write(at("opened"), answer.opened_at === null ? "–" : moment(answer.opened_at));
  write(at("sold-out"), answer.sold_out_at === null ? "–" : moment(answer.sold_out_at));
}

function showPaces(history) {
  const last = history.paces.at(-1);
  write(at("refusals-label"), t("refusals a second", "每秒拒绝"));
  write(at("p99-label"), t("99 of 100 answered within", "99% 的应答耗时不超过"));
  write(at("claims-pace"), last ? pace(last.claims) : "–");
  write(at("refusals-pace"), last ? pace(last.refusals) : "–");
  const ms = history.p99();
  write(at("p99"), ms === undefined ? "–" : Number.isFinite(ms) ? `${number(ms)} ms` : t("> 13 s", "> 13 秒"));
}

/** The state, and the switches that it leaves. */
function showState(sale, answer) {
  const name = answer.closed ? "closed" : answer.state;
  const tag = at("state");
  if (sale.shown !== undefined && sale.shown !== name) write(at("spoken"), `${t("State:", "状态：")} ${STATES[name]}`);
  sale.shown = name;
  tag.className = `tag ${answer.state}`;
  write(tag, STATES[name]);
  const possible = { running: !answer.closed && !answer.paused, paused: !answer.closed && answer.paused, unclosed: !answer.closed };
  for (const link of document.querySelectorAll("[data-if]")) link.hidden = !possible[link.dataset.if];
  Object.assign(sale, { start: answer.start_time, end: answer.end_time, closed: answer.closed });
}

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** The drawing of both paces. Its upward scale is by powers of ten, or a thousand refusals would hide ten claims. */
function plot(svg, paces, now) {
  const width = Math.max(240, svg.clientWidth);
  const most = Math.max(10, ...paces.flatMap((one) => [one.claims, one.refusals]));
  const decades = Math.ceil(Math.log10(most));
  const top = Math.log10(1 + 10 ** decades);
  const x = (time) => width - SIDES.right - ((now - time) / DRAWN_MS) * (width - SIDES.left - SIDES.right);
  const y = (value) => HEIGHT - SIDES.bottom - (Math.log10(1 + Math.max(0, value)) / top) * (HEIGHT - SIDES.top - SIDES.bottom);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const parts = [];
  for (let power = 0; power <= decades; power += 1) {
    const value = power === 0 ? 0 : 10 ** power;
    parts.push(draw("path", { class: "axis", d: `M${SIDES.left} ${y(value)}H${width - SIDES.right}` }));
    parts.push(draw("text", { x: SIDES.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const [ago, words, anchor] of [[DRAWN_MS, t("2 min ago", "2 分钟前"), "start"], [DRAWN_MS / 2, t("1 min", "1 分钟"), "middle"], [0, t("now", "现在"), "end"]]) {
    parts.push(draw("text", { x: x(now - ago), y: HEIGHT - 6, "text-anchor": anchor }, words));
  }
  for (const name of ["refusals", "claims"]) {
    parts.push(draw("path", { class: name, d: line(paces, (one) => [x(one.time), y(one[name])]) }));
  }
  svg.replaceChildren(...parts);
}

function line(paces, place) {
  return paces
    .map((one, index) => {
      const [left, top] = place(one).map((value) => value.toFixed(1));
      const joined = index > 0 && one.time - paces[index - 1].time < GAP_MS;
      return `${joined ? "L" : "M"}${left} ${top}`;
    })
    .join("");
}

function plotWords(paces) {
  const last = paces.at(-1);
  if (!last) return t("Nothing yet.", "暂无数据。");
  const most = (name) => pace(Math.max(...paces.map((one) => one[name])));
  return t(
    `Claims won a second: ${pace(last.claims)} now, ${most("claims")} at most. Refusals a second: ${pace(last.refusals)} now, ${most("refusals")} at most.`,
    `每秒抢到：现在 ${pace(last.claims)}，最高 ${most("claims")}。每秒拒绝：现在 ${pace(last.refusals)}，最高 ${most("refusals")}。`,
  );
}

/** Says whether the figures are new, and since when they are not. */
class Connection {
  fails = 0;
  said = -Infinity;

  heard(serverMs) {
    const words = this.fails > 0 ? t("Connected again. Live, every second.", "已重新连接，每秒更新。") : t("Live, every second.", "实时数据，每秒更新。");
    // Nobody could read the words of a new connection if the next answer replaced them.
    if (this.fails > 0 || performance.now() - this.said > SAID_MS) {
      this.say(words, false);
      this.said = performance.now();
    }
    this.fails = 0;
    this.of = serverMs;
  }

  lost() {
    this.fails += 1;
    const of = this.of === undefined ? "" : t(` The figures are of ${moment(this.of / 1000)}.`, `以下是 ${moment(this.of / 1000)} 的数据。`);
    this.say(t("No connection; trying again.", "连接中断，正在重试。") + of, true);
  }

  signedOut() {
    this.say(t("You are signed out here.", "您已退出登录。"), true);
    const link = document.createElement("a");
    link.href = location.pathname;
    link.textContent = t("Sign in again", "重新登录");
    at("line").append(" ", link);
  }

  say(words, bad) {
    at("line").classList.toggle("bad", bad);
    write(at("line"), words);
  }

  /** Until the next question; everybody waits a little differently, so that a server that comes back is not stormed. */
  pauseMs(tookMs) {
    if (this.fails === 0) return Math.max(100, EVERY_MS - tookMs);
    return Math.min(AGAIN_MS_MAX, EVERY_MS * 2 ** (this.fails - 1)) * (0.75 + Math.random() / 2);
  }
}

class Screen {
  constructor(root) {
    const { act, start, end, now, closed } = root.dataset;
    this.act = act;
    this.sale = { start: Number(start), end: Number(end), closed: closed === "true" };
    this.clock = new Clock(Number(now));
    this.history = new History();
    this.connection = new Connection();
    this.worded = -Infinity;
  }

  show(answer, heardAt) {
    this.clock.hear(answer.server_time, heardAt);
    this.history.add(answer);
    showState(this.sale, answer);
    showCounts(answer);
    showPaces(this.history);
    this.draw();
  }

  draw() {
    at("plot-sheet").hidden = false;
    plot(at("plot"), this.history.paces, this.clock.now());
    if (performance.now() - this.worded < WORDS_MS) return;
    this.worded = performance.now();
    write(at("plot-words"), plotWords(this.history.paces));
  }

  async run() {
    setInterval(() => showClock(this.sale, this.clock), 250);
    for (;;) {
      await seen();
      const asked = performance.now();
      try {
        const answer = await ask(this.act);
        this.show(answer, (asked + performance.now()) / 2);
        this.connection.heard(answer.server_time);
      } catch (error) {
        if (error instanceof SignedOut) return this.connection.signedOut();
        this.connection.lost();
      }
      await sleep(this.connection.pauseMs(performance.now() - asked));
    }
  }
}

/** The whole address, to be sent to people; the page itself does not know by which name it was asked for. */
function offerAddress() {
  const address = at("address");
  write(address, address.href);
  if (!navigator.clipboard) return;
  const button = at("copy");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.href);
      write(button, t("Copied", "已复制"));
    } catch {
      getSelection().selectAllChildren(address);
    }
  });
}

const root = at("live");
if (root) {
  offerAddress();
  new Screen(root).run();
}
