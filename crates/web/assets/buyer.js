// The page of one activity: its clock, its button, what is left. The key of a request stays the same until a final
// answer came, so nothing here can take a second unit. Nothing is fetched in the last seconds before a start nor at it.

// Measuring the clock: milliseconds, unless a name says otherwise.
const TURN_MS_MAX = 70_000; // earliest moment before a start of the last measurement
const FRESH_MS = 60_000; // a measurement so young makes the last one needless
const PACE_MS = [600_000, 1_200_000]; // between two measurements while there is time
const [SAMPLES_FIRST, SAMPLES_LATER] = [3, 2]; // questions of one measurement, fewer where one is good
const GOOD_TRIP_MS = 120; // a round trip that needs no better one: wrong by 60 ms at most
const MARKS = [[10_000, "ten seconds", "10 秒"], [60_000, "one minute", "1 分钟"],
  [600_000, "ten minutes", "10 分钟"], [3_600_000, "one hour", "1 小时"]];
const END_SHOWN_MS = 3_600_000; // the end is counted down to within the last hour

// What is left, and a request.
const LOOK_MS = 15_000; // while it is open and moves
const LOOK_PAUSED_MS = 6_000; // whoever waits for the end of a pause should not be late by much
const LOOK_SLOW_MS = 60_000; // while nothing moves, or all is gone
const MISSES_MAX = 4; // each failure in a row doubles the wait, up to so many times
const TRIES_MAX = 20;
const PURSUE_MS_MAX = 300_000;
const [BACKOFF_MS, BACKOFF_MS_MAX] = [1_000, 30_000];
const RETRY_AFTER_MS_MAX = 60_000;
const EARLY_MS = [100, 500]; // after the start, for those who were a little early
const EARLY_WAIT_MS_MAX = 120_000; // who was earlier than this presses again
const RESUME_WITHIN_MS = 3_600_000; // an older request is not gone on with when the page is opened again
const LINKS_MAX = 10;
const REST_MS = 1_000; // the button rests after an answer, or the second click of a double one would take another

// What an answer means. The other numbers below zero are refused for good; from -500 on the fate is unknown.
const MEANINGS = new Map([[0, "won"], [1, "queued"], [-1, "ended"], [-2, "sold_out"], [-3, "again"], [-4, "early"],
  [-5, "limit_reached"], [-6, "not_eligible"], [-7, "held_by_others"], [-10, "ended"], [-11, "paused"],
  [-401, "sign_in"], [-429, "too_many"], [-503, "busy"]]);
const TRANSIENT = new Set(["queued", "again", "early", "too_many", "busy", "offline"]);
// After these, seeing the sale open again makes the news old.
const PASSING = new Set(["sold_out", "held_by_others", "paused", "not_started"]);
const NOTHING_FREE = new Set(["sold_out", "held_by_others"]);

const act = document.querySelector(".act").dataset;
const hours = { start: act.start * 1000, end: act.end * 1000 };
const [form, button, news, mine] = ["claim", "press", "news", "mine"].map(byId);
const kinds = [...form.querySelectorAll("[name=typeId]")].map((input) => (
  { id: input.value, input, start: input.dataset.start * 1000, end: input.dataset.end * 1000,
    price: input.dataset.price, count: form.elements[`qty.${input.value}`] }));

// What the next press asks for: what stands in the basket, else one of the chosen type.
function wanted() {
  const several = kinds.filter((kind) => Number(kind.count?.value) > 0);
  if (several.length > 0) return several.map((kind) => ({ type_id: kind.id, qty: Number(kind.count.value) }));
  return [{ type_id: (kinds.find((kind) => kind.input.checked) ?? kinds[0]).id, qty: 1 }];
}

const kindOf = (typeId) => kinds.find((kind) => kind.id === typeId);
const unitsOf = (items) => items.reduce((sum, item) => sum + item.qty, 0);

// Amounts are added in the currency's smallest unit: whole numbers are never wrong.
function costOf(items) {
  const digits = Math.max(...kinds.map(({ price }) => (price.split(".")[1] ?? "").length));
  const minor = (price) => Math.round(Number(price) * 10 ** digits);
  const sum = items.reduce((all, { type_id: id, qty }) => all + minor(kindOf(id).price) * qty, 0);
  return sum === 0 ? "" : money((sum / 10 ** digits).toFixed(digits), act.sign);
}

// ---- The wire

let anonymous = false;

// A session that has ended is answered 401 even where none is needed. `shared` tells a proxy that a copy will do.
async function askDetail(shared) {
  const path = `/act/detail?actId=${encodeURIComponent(act.act)}`;
  const headers = shared ? { "Firstcome-Shared": "1" } : {};
  const ask = () => call("GET", path, { headers, credentials: anonymous ? "omit" : "same-origin" });
  const answer = await ask();
  if (answer.ret !== -401 || anonymous) return answer;
  anonymous = true;
  return ask();
}

// ---- What is known of the sale, and when it is looked at again

const sale = { state: "", tickets: new Map(), seenAt: -Infinity, mine: [], signedIn: undefined, joined: false };
const plan = { measuredAt: -Infinity, pace: between(...PACE_MS), turn: between(QUIET_MS + 1_000, TURN_MS_MAX),
  lookAt: Infinity, unmoved: 0, misses: 0, notBefore: -Infinity, looking: false, gone: false };

function learn(data) {
  const left = (tickets) => tickets.map((one) => one.left).join();
  const moved = sale.state !== data.state || left([...sale.tickets.values()]) !== left(data.tickets);
  sale.state = data.state;
  sale.tickets = new Map(data.tickets.map((one) => [one.id, one]));
  sale.seenAt = clock.now();
  if (data.my_tickets) [sale.mine, sale.signedIn, sale.joined] = [data.my_tickets, true, data.joined];
  else if (anonymous) [sale.mine, sale.signedIn, sale.joined] = [[], false, false];
  sale.signedIn ??= false;
  return moved;
}

function planLook() {
  const slow = sale.state === "sold_out" ? LOOK_SLOW_MS : Math.min(LOOK_MS * 1.5 ** plan.unmoved, LOOK_SLOW_MS);
  const wait = sale.state === "paused" ? LOOK_PAUSED_MS : slow;
  plan.lookAt = Math.max(clock.now(), hours.start) + wait * between(0.5, 1.5);
}

// An activity that is not there, such as one that is only a preview, is not asked for again.
function missed(answer) {
  plan.gone = answer.ret === -404;
  plan.misses = Math.min(plan.misses + 1, MISSES_MAX);
  plan.notBefore = clock.now() + LOOK_MS * 2 ** plan.misses * between(0.2, 0.6);
}

async function look(samples) {
  for (let sample = 0; sample < Math.max(samples, 1); sample++) {
    const answer = await askDetail(samples === 0);
    if (answer.ret !== 0) return missed(answer);
    plan.misses = 0;
    if (samples > 0) clock.take(answer);
    if (samples > 0) [plan.measuredAt, plan.pace] = [clock.now(), between(...PACE_MS)];
    const moved = learn(answer.data);
    plan.unmoved = moved || samples > 0 ? 0 : plan.unmoved + 1;
    planLook();
    if (answer.came - answer.sent <= GOOD_TRIP_MS) return;
  }
}

const nextStart = (now) => Math.min(...kinds.map((kind) => kind.start).filter((start) => start > now));

function mustMeasure(now) {
  if (clock.lost()) return true;
  const start = nextStart(now);
  const turn = start - plan.turn;
  const ownTurn = now >= turn && turn - plan.measuredAt > FRESH_MS;
  return now < start - QUIET_MS && start !== Infinity && (ownTurn || now - plan.measuredAt > plan.pace);
}

function mayLook(now) {
  if (now < plan.lookAt || now >= hours.end || sale.state === "ended") return false;
  if (nextStart(now) - now > QUIET_MS) return true;
  plan.lookAt = nextStart(now) + between(LOOK_MS / 2, LOOK_MS * 1.5);
  return false;
}

function fetchWhatIsDue(now) {
  if (document.hidden || claiming || plan.looking || plan.gone || now < plan.notBefore) return;
  const samples = mustMeasure(now) ? SAMPLES_LATER : 0;
  if (samples === 0 && !mayLook(now)) return;
  plan.looking = true;
  // All clocks tick together: without this, a million pages would ask in the same millisecond of a second.
  setTimeout(() => look(samples).finally(() => { plan.looking = false; tick(); }), between(0, 1_000));
}

// ---- The request

const SHELF = `firstcome.claim.${act.act}`;
const KEPT = ["key", "typeId", "items", "type_id", "qty", "user", "at", "claimId", "signIn"];
let claiming = null; // the request that is being asked
let pending = null; // the one whose answer is not known, or that waits for signing in
let restUntil = 0; // by the page's steady clock
let me = null; // the id of who is signed in, once known
const barred = new Map(); // what was refused for good, by ticket type

function keep(claim) {
  pending = claim;
  shelf.set(SHELF, claim, KEPT);
}

function readShelf() {
  const claim = shelf.get(SHELF);
  const young = Math.abs(Date.now() - claim?.at) < RESUME_WITHIN_MS;
  return young && claim.items?.every((item) => kindOf(item.type_id)) ? claim : null;
}

// Over plain http on a local network there is no randomUUID.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A request that is not answered yet is gone on with, if it is the same; `typeId` is the first of its types.
function press(items) {
  const alike = JSON.stringify(pending?.items) === JSON.stringify(items);
  const same = alike && (pending.user === null || pending.user === me);
  const claim = same ? pending : { key: newKey(), typeId: items[0].type_id, items, user: me, at: Date.now() };
  claim.mine = true;
  pursue(claim);
}

// Whose request it is comes first, then its result, where it was queued; else it is asked for.
function send(claim) {
  if (!claim.mine) return call("GET", "/user/me");
  if (claim.claimId) return call("GET", `/ticket/result?claimId=${encodeURIComponent(claim.claimId)}`);
  const headers = { "Idempotency-Key": claim.key };
  const query = `actId=${encodeURIComponent(act.act)}&typeId=${encodeURIComponent(claim.typeId)}`;
  if (unitsOf(claim.items) === 1) return call("POST", `/ticket/get?${query}`, { headers });
  const body = JSON.stringify({ actId: act.act, items: claim.items });
  return call("POST", "/ticket/get", { headers: { ...headers, "Content-Type": "application/json" }, body });
}

function meaning(claim, { ret, data }) {
  if (ret === undefined) return navigator.onLine === false ? "offline" : "again";
  if (ret === 0 && !claim.mine) {
    me = data.id;
    if (claim.user === null) return claim.signIn ? "mine" : "given_up";
    return claim.user === me ? "mine" : "others";
  }
  if (ret === -404 && claim.claimId) return "again";
  return MEANINGS.get(ret) ?? (ret <= -500 ? "again" : "refused");
}

async function pursue(claim) {
  claiming = claim;
  keep(claim);
  tell(claim.claimId ? "queued" : "asking");
  tick();
  let [tries, until] = [0, performance.now() + PURSUE_MS_MAX];
  while (tries++ < TRIES_MAX && performance.now() < until) {
    const answer = await send(claim);
    const what = meaning(claim, answer);
    if (what === "mine") claim.mine = true;
    else if (!TRANSIENT.has(what)) return settle(claim, what, answer.data);
    else if (what === "early" && earlyWait(answer) > EARLY_WAIT_MS_MAX) return settle(claim, "not_started", {});
    else await beforeAskingAgain(claim, what, answer, tries);
    if (what === "offline") [tries, until] = [0, performance.now() + PURSUE_MS_MAX];
  }
  settle(claim, "given_up", {});
}

function earlyWait(answer) {
  clock.correct(answer);
  return Math.max(0, answer.data.start_time * 1000 - clock.now()) + between(...EARLY_MS);
}

// Full jitter: people who were turned away together must not come back together.
async function beforeAskingAgain(claim, what, answer, tries) {
  tell(what);
  if (what === "offline") {
    await new Promise((online) => addEventListener("online", online, { once: true }));
    return tell("again");
  }
  if (what === "early") return sleep(earlyWait(answer));
  const queued = what === "queued";
  claim.claimId = queued ? answer.data.claim_id ?? claim.claimId : undefined;
  keep(claim);
  const least = Math.min(RETRY_AFTER_MS_MAX, queued ? answer.data.retry_after_ms : answer.retryAfter);
  return sleep(least + between(0, Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (tries - 1))));
}

function settle(claim, what, data) {
  claiming = null;
  restUntil = performance.now() + REST_MS;
  if (what === "given_up") keep(claim);
  else if (what === "sign_in") keep({ ...claim, mine: false, signIn: true });
  else keep(null);
  follow(claim.typeId, what, data, unitsOf(claim.items));
  planLook();
  if (what === "others") news.hidden = true;
  else if (what === "won" && data.order_state && data.order_state !== "paid") takeOrder(orderOf(data));
  else tell(what, nextSteps(what, data));
  if (what === "limit_reached" && data.tickets.some((one) => one.state === "held")) recallOrder();
  tick();
}

// The answer to a claim as the order that it made.
const orderOf = (data) => ({ ...data, state: data.order_state, tickets: data.tickets ?? [data] });

// What an answer says about the sale is as good as what a look at it says.
function follow(typeId, what, data, units) {
  if (what === "won") {
    const won = data.tickets ?? [data];
    sale.mine = [...new Set([...sale.mine, ...won.map((one) => one.id)])];
    for (const one of won) {
      const supply = sale.tickets.get(one.type_id);
      if (supply?.left > 0) [supply.left, supply.held] = [supply.left - 1, supply.held + 1];
    }
  }
  if (what === "limit_reached") sale.mine = [...new Set([...sale.mine, ...data.tickets.map((one) => one.id)])];
  // Whoever asked for several may still have room for one.
  if (what === "not_eligible" || (what === "limit_reached" && units === 1)) barred.set(typeId, what);
  if (what === "sign_in") sale.signedIn = false;
  if (what === "paused" || what === "ended") sale.state = what;
  if (what === "sold_out" || what === "held_by_others") {
    const supply = sale.tickets.get(typeId) ?? { total: 0 };
    sale.tickets.set(typeId, { ...supply, left: 0, held: what === "sold_out" ? 0 : 1 });
    if (kinds.length === 1 && what === "sold_out") sale.state = what;
  }
  sale.seenAt = clock.now();
}

// ---- What is shown

const signInLink = (className, text) =>
  link(className, `/sign-in?next=${encodeURIComponent(location.pathname)}`, text);

function tell(what, steps) {
  const { tone, title, text } = SENTENCES[what];
  const busy = TRANSIENT.has(what) || what === "asking";
  const heading = make("h2", busy ? "waiting" : "", what === "won" ? make("span", "stamp", said(title)) : said(title));
  news.className = `news ${tone}`;
  news.dataset.what = what;
  news.replaceChildren(heading, make("p", "", said(text)), ...(steps ?? []));
  news.hidden = false;
  // While it goes on the words are read out; where it has come to something, one goes there.
  if (steps) news.focus();
}

function nextSteps(what, data) {
  if (what === "won") {
    const place = make("p", "numbers", t(`You were no. ${data.claim_no}.`, `您是第 ${data.claim_no} 位。`));
    if (data.tickets?.length > 1) return orderSteps(orderOf(data), true);
    const code = data.code ? [make("p", "ticket-code", data.code)] : [];
    const open = link("button strong wide", `/ticket/${data.id}`, t("Open the ticket", "查看我的票"));
    return [place, ...code, make("p", "row", open)];
  }
  if (what === "sign_in") return [signInLink("button strong wide", t("Sign in", "去登录"))];
  const elsewhere = ["/", t("What is on sale", "看看其他活动")];
  const place = {
    limit_reached: ["/tickets", t("My tickets", "我的票")],
    not_eligible: ["/account", t("Which account is this?", "查看当前账号")],
    refused: [`/act/${act.act}`, t("Load again", "刷新页面")],
    ended: elsewhere,
    sold_out: elsewhere,
  }[what];
  return place ? [make("p", "row", link("button wide", ...place))] : [];
}

// How it stands for one ticket type. What was seen before the start does not keep the button shut after it.
function standing(kind, now) {
  const supply = sale.tickets.get(kind.id);
  // Of several types the server knows which are mine; of those to be paid we do.
  const had = kinds.length === 1 ? sale.mine.length : hold?.units.get(kind.id) ?? 0;
  if (now >= kind.end || sale.state === "ended") return "ended";
  if (supply && had >= supply.limit_per_user) return hold ? "held" : "limit_reached";
  if (barred.has(kind.id)) return barred.get(kind.id);
  if (sale.state === "paused" && (now < kind.start || sale.seenAt >= kind.start)) return "paused";
  if (now < kind.start) return "not_started";
  if (supply?.left === 0 && sale.seenAt >= kind.start) return supply.held > 0 ? "held_by_others" : "sold_out";
  return "open";
}

function pressLabel(items) {
  const [units, cost] = [unitsOf(items), costOf(items)];
  const get = units === 1 ? t("Get it", "立即抢") : t(`Get ${units}`, `立即抢 ${units} 份`);
  return cost ? `${get} · ${cost}` : get;
}

function showButton(kind, stands, items) {
  const again = !claiming && news.dataset.what === "given_up" && pending?.typeId === kind.id;
  const shut = stands === "limit_reached" && sale.mine.length > 0 ? "won" : stands;
  const label = claiming ? said(SENTENCES.asking.title)
    : again ? t("Ask again", "再问一次")
      : stands === "open" ? pressLabel(items) : said(SENTENCES[shut].title);
  const resting = performance.now() < restUntil;
  button.setAttribute("aria-disabled", String(Boolean(claiming) || resting || !(again || stands === "open")));
  write(button, label);
}

// What the clock counts down to, if to anything.
function target(kind, stands, now) {
  if (stands !== "ended" && now < kind.start) return kind.start;
  return stands === "open" && kind.end - now <= END_SHOWN_MS ? kind.end : null;
}

function showClock(kind, stands, now) {
  const to = clock.known || plan.misses > 0 ? target(kind, stands, now) : null;
  byId("clock").hidden = to === null;
  if (to !== null) {
    const big = byId("clock").firstElementChild;
    big.classList.toggle("long", to - now > 86_400_000);
    write(big, countdown(to - now));
  }
  if (kind.input.dataset.name) write(document.querySelector(".kind"), kind.input.dataset.name);
  const sentence = SENTENCES[stands];
  const open = to === null ? t("It is open", "进行中") : t("Open; it ends in", "进行中，距结束");
  write(byId("state"), stands === "open" ? open
    : stands === "not_started" ? t("Begins in", "距开始还有")
      : stands === "limit_reached" && sale.mine.length > 0 ? t("It is yours", "您已抢到") : said(sentence.title));
  const told = hold || line || !news.hidden;
  const why = stands === "open" || told ? "" : said(sentence.text);
  write(byId("why"), why);
  byId("why").hidden = !why;
}

function showLeft(kind) {
  const { left = 0, total = 0 } = sale.tickets.get(kind.id) ?? {};
  const [bar, line] = byId("left").children;
  [bar.max, bar.value] = [total || 1, left];
  write(line.firstElementChild, t(`${left} of ${total} left`, `剩余 ${left} / ${total}`));
  byId("left").hidden = total === 0;
  for (const place of form.querySelectorAll("[data-left]")) {
    const left = sale.tickets.get(place.dataset.left)?.left;
    if (left !== undefined) write(place, t(`${left} left`, `剩 ${left}`));
  }
}

// My tickets; or, before it begins, that signing in now saves the time later.
function showMine(stands) {
  const tickets = sale.mine.filter((id) => !hold?.tickets.includes(id)).slice(0, LINKS_MAX);
  const shown = tickets.join() + sale.signedIn + (stands === "not_started");
  if (mine.dataset.shown === shown) return;
  mine.dataset.shown = shown;
  const ticket = (id, index) => link("button", `/ticket/${id}`, t(`My ticket ${index + 1}`, `我的票 ${index + 1}`));
  const links = tickets.map(ticket);
  if (sale.signedIn === false && stands === "not_started") {
    links.push(signInLink("button wide", t("Sign in now, before it begins", "请提前登录，到时直接抢")));
  }
  mine.replaceChildren(...links);
  mine.hidden = links.length === 0;
}

let spoken = {};

// Sparse and polite: a few marks on the way, and that it is open.
function speak(kind, stands, now) {
  const left = kind.start - now;
  const before = spoken.of === kind.id ? spoken.left : left;
  spoken = { of: kind.id, left };
  if (stands === "ended") return;
  const mark = MARKS.find(([ms]) => before > ms && left <= ms);
  if (mark && left > 0) write(byId("spoken"), t(`Begins in ${mark[1]}`, `还有${mark[2]}开始`));
  if (before > 0 && left <= 0) write(byId("spoken"), t("It has begun. Press the button.", "已经开始，请点击按钮。"));
}

let ticking;

// The one place where the page follows the time. The next tick comes with the next whole second of what is counted.
function tick() {
  clearTimeout(ticking);
  const now = clock.now();
  const items = wanted();
  // Of several types the one that cannot be had is what there is to say.
  const kind = kindOf((items.find((item) => standing(kindOf(item.type_id), now) !== "open") ?? items[0]).type_id);
  const stands = standing(kind, now);
  if (stands === "open" && !claiming && PASSING.has(news.dataset.what)) {
    news.hidden = true;
    news.dataset.what = "";
  }
  showButton(kind, stands, items);
  showHold(now);
  showLine(kind, stands);
  showClock(kind, stands, now);
  showLeft(kind);
  showMine(stands);
  speak(kind, stands, now);
  fetchWhatIsDue(now);
  followOrder(now);
  followLine(kind, stands, now);
  const rest = ((hold?.payBy ?? target(kind, stands, now) ?? 0) - now) % 1_000;
  ticking = setTimeout(tick, rest > 0 ? rest : rest + 1_000);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") !== "true") press(wanted());
});
form.addEventListener("change", tick);
for (const event of ["visibilitychange", "online", "pageshow"]) {
  addEventListener(event, () => {
    lookAgainSoon();
    tick();
  });
}

// Whoever is signed in is asked for once, well before it matters: a request must be known as theirs later.
async function learnWho() {
  const answer = await call("GET", "/user/me");
  if (answer.ret === 0) me = answer.data.id;
  if (claiming?.user === null) keep(Object.assign(claiming, { user: me }));
}

async function begin() {
  showTimes();
  const begun = readShelf();
  if (begun) pursue(begun);
  plan.looking = true;
  tick();
  await look(SAMPLES_FIRST).finally(() => { plan.looking = false; });
  tick();
  if (sale.signedIn) await recallAll();
  tick();
  if (!begun && sale.signedIn && clock.now() < hours.end) await learnWho();
}

begin();
