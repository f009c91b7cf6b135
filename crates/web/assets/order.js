// The page of one order: its countdown, and the question whether its state is known. What the state is and what can be
// done is on the page already; when it changes the page is loaded anew, so that nothing here has to know how it looks.

const order = document.querySelector(".order");
const at = { id: order.dataset.order, state: order.dataset.state, payBy: order.dataset.payBy * 1000, asked: 0,
  waits: "back" in order.dataset, offered: "offered" in order.dataset, moneyBack: order.dataset.moneyBack ?? "" };
at.left = at.payBy - clock.now();
let asking = false;
let askAt = 0; // the first question measures the clock

async function askState() {
  const answer = await askOrder(at.id);
  at.asked += 1;
  if (answer.ret === 0) {
    clock.take(answer);
    at.payBy = answer.data.pay_by === null ? at.payBy : answer.data.pay_by * 1000;
    const late = answer.data.payments.some((one) => one.state === "late");
    const state = late ? "late" : answer.data.state;
    const sentSince = awaitsWord(answer.data);
    if (state !== at.state || moneyBack(answer.data) !== at.moneyBack) {
      if (state !== at.state || !sentSince) shelf.set(SENT(at.id), null);
      return location.replace(location.pathname);
    }
    at.waits ||= sentSince;
  }
  askAt = nextQuestion(at, clock.now());
  follow();
}

let ticking;

function follow() {
  clearTimeout(ticking);
  const now = clock.now();
  const big = byId("remaining");
  if (big) {
    showRemaining(big, at.payBy, now);
    const over = now >= at.payBy;
    const sentence = heldSentence(at, now);
    big.hidden = over;
    byId("ways").hidden = over;
    byId("news").className = `news ${sentence.tone}`;
    write(byId("says-title"), said(sentence.title));
    write(byId("says"), said(sentence.text));
    const mark = remainingMark(at.left, at.payBy - now);
    at.left = at.payBy - now;
    if (mark) write(byId("spoken"), mark);
  }
  if (!document.hidden && !asking && now >= askAt) {
    asking = true;
    askState().finally(() => { asking = false; });
  }
  const rest = (at.payBy - now) % 1_000;
  ticking = setTimeout(follow, rest > 0 ? rest : rest + 1_000);
}

// Whoever comes back to the page, from another tab or by the browser's own button, hears at once.
for (const event of ["visibilitychange", "online", "pageshow"]) {
  addEventListener(event, () => {
    askAt = Math.min(askAt, clock.now() + between(0, 1_000));
    follow();
  });
}

if (["held", "late", "refund_due"].includes(at.state)) {
  // Where money goes back, the first answer says whether anything was sent since.
  if (!at.moneyBack && shelf.get(SENT(at.id))) at.waits = true;
  byId("pay")?.addEventListener("submit", () => shelf.set(SENT(at.id), clock.now()));
  follow();
}
