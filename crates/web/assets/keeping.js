// What somebody has and waits for on the page of an activity: the order that is to be paid, with its countdown, and the
// place in line. It is told by the server and only ever shown here; losing all of it loses nothing.

const [LINE_NEAR, LINE_FAR] = [10, 100]; // people before one
const LINE_MS = [10_000, 20_000, 60_000]; // between two looks: near the front, further back, far back
const LINE_HIDDEN_MS = 120_000; // somebody who waits in another tab is to hear of their turn
const LINE_MISSES_MAX = 4; // each failure in a row doubles the wait, up to so many times
const ASKED_TRIES_MAX = 5;
const ASKED_AGAIN_MS = 1_000;

const TITLE = document.title;
const LINE_SHELF = (id) => `firstcome.line.${id}`;
let hold = null; // the order that is to be paid
let line = null; // the place in line
const lineAsked = new Set(); // types whose line was asked about once

// Asks until there is an answer: each of these may be repeated without doing anything twice.
async function insist(method, path) {
  for (let tries = 0; tries < ASKED_TRIES_MAX; tries++) {
    const answer = await call(method, path);
    if (answer.ret !== undefined && answer.ret > -429 && answer.ret !== -3) return answer;
    await sleep(Math.min(answer.retryAfter, WORD_MS_MAX) + between(0, ASKED_AGAIN_MS * 2 ** tries));
  }
  return { ret: undefined, data: {} };
}

// ---- The order

const ticketIds = (order) => (order.tickets ?? []).map((one) => one.id ?? one);

function takeOrder(order, offered = false) {
  const before = hold?.id === order.order_id ? hold : null;
  if (order.state !== "held") return endOrder(order);
  hold = { id: order.order_id, state: order.state, payBy: order.pay_by * 1000, price: money(order.price, act.sign),
    tickets: ticketIds(order), asked: (before?.asked ?? -1) + 1, offered: offered || Boolean(before?.offered),
    waits: awaitsWord(order), left: before?.left ?? order.pay_by * 1000 - clock.now() };
  hold.units = new Map();
  for (const one of order.tickets ?? []) hold.units.set(one.type_id, (hold.units.get(one.type_id) ?? 0) + 1);
  hold.askAt = nextQuestion(hold, clock.now());
  sale.mine = [...new Set([...sale.mine, ...hold.tickets])];
  if (before) return;
  news.hidden = true;
  if (hold.offered) document.title = `● ${said(SENTENCES.offered.title)}`;
  showHold(clock.now());
  byId("hold").focus();
}

function endOrder(order) {
  if (hold?.id === order.order_id) hold = null;
  document.title = TITLE;
  shelf.set(SENT(order.order_id), null);
  const ids = ticketIds(order);
  const paid = order.state === "paid";
  sale.mine = [...new Set([...sale.mine.filter((id) => !ids.includes(id)), ...(paid ? ids : [])])];
  plan.lookAt = clock.now() + between(0, 2_000);
  const late = order.payments?.some((one) => one.state === "late");
  tell(late ? "late" : paid && Number(order.price) === 0 ? "won" : order.state, orderSteps(order, paid));
}

function orderSteps(order, paid) {
  const records = (order.tickets ?? []).filter((one) => one.id).slice(0, LINKS_MAX);
  if (!paid) return [make("p", "row", link("button wide", `/order/${order.order_id}`, t("The order", "查看订单")))];
  const codes = records.filter((one) => one.code).map((one) => make("p", "ticket-code", one.code));
  const open = ticketIds(order).length === 1
    ? link("button strong wide", `/ticket/${ticketIds(order)[0]}`, t("Open the ticket", "查看我的票"))
    : link("button strong wide", "/tickets", t("Open the tickets", "查看我的票"));
  return [...codes, make("p", "row", open)];
}

async function lookAtOrder(id, offered) {
  const answer = await askOrder(id);
  if (answer.ret === 0) {
    clock.take(answer);
    takeOrder(answer.data, offered);
  } else if (answer.ret === -404 || answer.ret === -401) {
    if (hold?.id === id) hold = null;
  } else if (hold?.id === id) {
    hold.asked += 1;
    hold.askAt = clock.now() + Math.min(WORD_MS * 2 ** hold.asked, WORD_MS_MAX) * between(0.5, 1.5);
  }
  tick();
}

// The newest order of this activity that is still to be paid, if there is one; or what became of an offer.
async function recallOrder(since = Infinity) {
  const answer = await call("GET", "/order/list?page=1");
  if (answer.ret !== 0) return null;
  const mineHere = answer.data.list.filter((one) => one.act_id === act.act);
  const found = mineHere.find((one) => one.state === "held") ?? mineHere.find((one) => one.created_at * 1000 >= since);
  if (found) await lookAtOrder(found.order_id, since !== Infinity);
  return found ?? null;
}

function followOrder(now) {
  if (!hold || document.hidden || hold.asking || now < hold.askAt) return;
  hold.asking = true;
  lookAtOrder(hold.id).finally(() => { if (hold) hold.asking = false; });
}

// Whoever paid in another tab, or comes back to see whether it is their turn, hears at once.
function lookAgainSoon() {
  if (document.hidden) return;
  const soon = clock.now() + between(0, 1_000);
  if (hold) hold.askAt = Math.min(hold.askAt, soon);
  if (line) line.askAt = Math.min(line.askAt, soon);
}

function buildHold(panel) {
  const big = make("div", "big");
  big.setAttribute("role", "timer");
  big.setAttribute("aria-live", "off");
  big.setAttribute("aria-labelledby", "hold-title");
  const heading = make("h2", "");
  heading.id = "hold-title";
  const form = payForm(hold.id, hold.price);
  const { id } = hold;
  form.addEventListener("submit", () => shelf.set(SENT(id), clock.now()));
  const spoken = make("p", "unseen");
  spoken.setAttribute("aria-live", "polite");
  panel.replaceChildren(heading, big, make("p", "says"), make("div", "ways", form, giveBack(id)), spoken);
  panel.dataset.shown = id;
}

// Giving back asks once more, in its own place.
function giveBack(id) {
  const row = make("div", "row");
  const ask = () => {
    const yes = make("button", "button", t("Yes, give it back", "确定放弃"));
    const no = make("button", "button", t("Keep it", "不放弃"));
    yes.type = no.type = "button";
    yes.addEventListener("click", () => cancelOrder(id, yes));
    no.addEventListener("click", () => { offer(); row.firstElementChild.focus(); });
    row.replaceChildren(make("p", "small", t("It then goes to the next person.", "放弃后名额会转给下一位。")), yes, no);
    yes.focus();
  };
  const offer = () => {
    const give = make("button", "button wide", t("Give it back", "放弃"));
    give.type = "button";
    give.addEventListener("click", ask);
    row.replaceChildren(give);
  };
  offer();
  return row;
}

async function cancelOrder(id, pressed) {
  if (pressed.getAttribute("aria-disabled") === "true") return;
  pressed.setAttribute("aria-disabled", "true");
  const answer = await insist("POST", `/order/cancel?orderId=${encodeURIComponent(id)}`);
  if (answer.ret === undefined) tell("given_up", []);
  pressed.setAttribute("aria-disabled", "false");
  await lookAtOrder(id);
}

function showHold(now) {
  const panel = byId("hold");
  panel.hidden = !hold;
  if (!hold) {
    panel.dataset.shown = "";
    return;
  }
  if (panel.dataset.shown !== hold.id) buildHold(panel);
  const sentence = heldSentence(hold, now);
  panel.className = `hold news ${sentence.tone}${hold.offered ? " loud" : ""}`;
  const [heading, big, says, ways, spoken] = panel.children;
  write(heading, said(sentence.title));
  write(says, said(sentence.text));
  big.hidden = now >= hold.payBy;
  ways.hidden = now >= hold.payBy;
  showRemaining(big, hold.payBy, now);
  const mark = remainingMark(hold.left, hold.payBy - now);
  hold.left = hold.payBy - now;
  if (mark) write(spoken, mark);
}

// ---- The line

const standby = (typeId) => `/act/standby?actId=${encodeURIComponent(act.act)}&typeId=${encodeURIComponent(typeId)}`;

function linePace(ahead) {
  const pace = LINE_MS[ahead < LINE_NEAR ? 0 : ahead < LINE_FAR ? 1 : 2];
  return (document.hidden ? Math.max(pace, LINE_HIDDEN_MS) : pace) * between(0.5, 1.5);
}

function stand(typeId, { ahead, waiting }) {
  const since = line?.typeId === typeId ? line.since : clock.now();
  line = { typeId, ahead, waiting, since, misses: 0, askAt: clock.now() + linePace(ahead) };
  shelf.set(LINE_SHELF(act.act), { typeId, since });
}

function leave() {
  line = null;
  shelf.set(LINE_SHELF(act.act), null);
}

async function lineUp(kind) {
  tell("asking");
  const { ret, data } = await insist("POST", standby(kind.id));
  news.hidden = true;
  if (ret === 0) stand(kind.id, data);
  else if (ret === -10 && data.state === "offered") await lookAtOrder(data.order_id, true);
  else if (ret === -10 && data.state === "free") {
    tell("line_free", []);
    plan.lookAt = clock.now();
  } else if (ret === -10 && data.state === "off") tell("line_off", []);
  else {
    const what = ret === undefined ? "failed" : MEANINGS.get(ret) ?? "refused";
    follow(kind.id, what, data, 1);
    tell(what, nextSteps(what, data));
  }
  if (line) byId("line").querySelector("h2").focus();
  tick();
}

async function leaveLine() {
  const { ret, data } = await insist("DELETE", standby(line.typeId));
  if (ret !== 0) return tell("given_up", []);
  leave();
  // Whoever had been offered a unit has left the line already: the order is what they have now.
  if (data.left || !(await recallOrder())) tell("line_left", []);
  tick();
}

async function askLine(typeId) {
  const was = line?.typeId === typeId ? line : null;
  const { ret, data } = await call("GET", standby(typeId));
  if (ret === 0 && data.offer) {
    leave();
    await lookAtOrder(data.offer, true);
  } else if (ret === 0 && data.position !== null) stand(typeId, data);
  else if (ret === 0 && was) {
    leave();
    if (!(await recallOrder(was.since))) tell("line_gone", []);
  } else if (ret === -401 || ret === -404) leave();
  else if (was) {
    was.misses = Math.min(was.misses + 1, LINE_MISSES_MAX);
    was.askAt = clock.now() + linePace(was.ahead) * 2 ** was.misses;
  }
  tick();
}

// In line one is asked for; whoever lined up elsewhere is found once, when nothing is free.
function followLine(kind, stands, now) {
  if (!byId("line") || hold) return;
  if (line && stands === "ended") {
    leave();
    return tell("line_over", []);
  }
  if (line) {
    if (line.asking || now < line.askAt) return;
    line.asking = true;
    askLine(line.typeId).finally(() => { if (line) line.asking = false; });
  } else if (sale.signedIn && NOTHING_FREE.has(stands) && !lineAsked.has(kind.id)) {
    lineAsked.add(kind.id);
    askLine(kind.id);
  }
}

function before(ahead) {
  if (ahead === 0) return t("You are next", "下一位就是您");
  return t(`${ahead} ${ahead === 1 ? "person" : "people"} before you`, `前面还有 ${ahead} 人`);
}

function buildLine(panel, kind, inLine) {
  const heading = make("h2", "", said(SENTENCES[inLine ? "in_line" : "line_open"].title));
  heading.id = "line-title";
  heading.tabIndex = -1;
  const way = make("button", inLine ? "button wide" : "button strong wide",
    inLine ? t("Leave the line", "退出候补") : t("Line up", "候补"));
  way.type = "button";
  way.addEventListener("click", async () => {
    if (way.getAttribute("aria-disabled") === "true") return;
    way.setAttribute("aria-disabled", "true");
    await (inLine ? leaveLine() : lineUp(kind));
    way.setAttribute("aria-disabled", "false");
  });
  const place = make("p", "place");
  place.setAttribute("role", "status");
  panel.replaceChildren(heading, place, make("p", "", said(SENTENCES[inLine ? "in_line" : "line_open"].text)), way);
}

function showLine(kind, stands) {
  const panel = byId("line");
  if (!panel) return;
  const inLine = line?.typeId === kind.id;
  panel.hidden = Boolean(hold) || stands === "ended" || !(inLine || NOTHING_FREE.has(stands));
  if (panel.hidden) return;
  const shown = `${kind.id} ${inLine}`;
  if (panel.dataset.shown !== shown) buildLine(panel, kind, inLine);
  panel.dataset.shown = shown;
  const waiting = sale.tickets.get(kind.id)?.waiting ?? 0;
  const many = waiting > 0 ? t(`${waiting} in line now`, `当前 ${waiting} 人候补`) : "";
  write(panel.querySelector(".place"), inLine ? before(line.ahead) : many);
}

// What somebody had when they were here last, or has from another device.
async function recallAll() {
  const kept = shelf.get(LINE_SHELF(act.act));
  if (kept && kinds.some((kind) => kind.id === kept.typeId)) {
    line = { ...kept, ahead: 0, waiting: 0, misses: 0, asking: true, askAt: 0 };
    await askLine(kept.typeId);
    if (line) line.asking = false;
  }
  if (!hold && sale.joined) await recallOrder();
}
