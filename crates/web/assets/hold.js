// An order that waits for its payment: how long it still has, by the server's clock, and when its state is asked for.
// Nothing here decides what became of it: only the server's word changes what is shown.

const AFTER_DEADLINE_MS = [2_000, 12_000]; // those whose time ends together must not ask together
const WORD_MS = 3_000; // while the provider's word is waited for; each question makes the wait half as long again
const WORD_MS_MAX = 30_000;
const REFUND_MS = 60_000; // a refund is in no hurry
const SOON_MS = 60_000; // from here on the countdown looks urgent

const askOrder = (id) => call("GET", `/order/detail?orderId=${encodeURIComponent(id)}`);

// When an order is asked about again. `waits`: somebody has been sent to the provider, so its word may come at any time.
function nextQuestion({ state, payBy, waits, asked }, now) {
  const growing = Math.min(WORD_MS * 1.5 ** asked, WORD_MS_MAX) * between(0.5, 1.5);
  if (state === "late") return now + growing;
  if (state === "refund_due") return now + REFUND_MS * between(0.5, 1.5);
  if (state !== "held") return Infinity;
  if (now >= payBy) return now + Math.min(growing, WORD_MS * 2);
  return Math.min(payBy + between(...AFTER_DEADLINE_MS), waits ? now + growing : Infinity);
}

// What is said of a held order.
function heldSentence({ payBy, waits, offered }, now) {
  if (now >= payBy) return SENTENCES.time_up;
  if (waits) return SENTENCES.on_its_way;
  return offered ? SENTENCES.offered : SENTENCES.held;
}

function showRemaining(element, payBy, now) {
  const left = Math.max(0, payBy - now);
  element.classList.toggle("soon", left <= SOON_MS);
  element.classList.toggle("long", left > 86_400_000);
  write(element, countdown(left));
}

const REMAINING = [[600_000, "ten minutes", "10 分钟"], [60_000, "one minute", "1 分钟"], [10_000, "ten seconds", "10 秒"]];

// Sparse and polite, as before a start: the countdown itself is not read out.
function remainingMark(before, left) {
  const mark = REMAINING.findLast(([ms]) => before > ms && left <= ms);
  return mark && left > 0 ? t(`${mark[1]} left to pay`, `付款时间还剩${mark[2]}`) : "";
}

// An amount with its sign; `sign` is "¥", or a currency's name and a space.
const money = (amount, sign) => `${sign}${amount}`;

// The way to the provider is a form, as it is without this script: the server says where to.
function payForm(id, price) {
  const form = make("form", "", make("button", "button strong wide", t(`Pay ${price}`, `去支付 ${price}`)));
  form.method = "post";
  form.action = `${root}/order/${id}/pay`;
  return form;
}

// Who was sent to a provider is remembered, so that the page they come back to says what is waited for.
const SENT = (id) => `firstcome.sent.${id}`;

// Money of another amount leaves its order held and goes back: how it stands; nothing where there is none.
function moneyBack({ state, payments = [] }) {
  if (state !== "held") return "";
  return ["refund_due", "refunded"].find((name) => payments.some((one) => one.state === name)) ?? "";
}

// Whether the provider's word on a held order is still to come: somebody was sent there since the last one.
function awaitsWord({ order_id: id, payments = [] }) {
  const heard = Math.max(0, ...payments.map((one) => (one.received_at + 1) * 1000)); // seconds are rounded down
  return (shelf.get(SENT(id)) ?? 0) > heard;
}
