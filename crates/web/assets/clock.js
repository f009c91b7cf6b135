// The clock of a page: the server's time, carried by a base that no change of the device's clock touches, and how times
// are written. What is shown never jumps in the last seconds before a start. It comes before the page's own script.

const QUIET_MS = 15_000; // before a start nothing is fetched
const DRIFT = 1e-4; // what a device's clock may go wrong, as a part of time
const SLEW = 0.1; // how much faster or slower than time the shown clock may go
const STEP_OVER_MS = QUIET_MS * SLEW; // what slewing could not correct in the quiet time is corrected at once
const SLEPT_MS = 2_000; // the device's clocks went apart by so much: it has slept, or somebody has set one

const zh = document.documentElement.lang.startsWith("zh");
const t = (en, chinese) => (zh ? chinese : en);

const clock = {
  best: { offset: Date.now() - performance.now(), trip: Infinity, at: 0 },
  shown: undefined,
  movedAt: 0,
  apart: Date.now() - performance.now(),

  now() {
    const here = performance.now();
    this.shown ??= this.best.offset;
    const gap = this.best.offset - this.shown;
    const most = (here - this.movedAt) * SLEW;
    this.shown += Math.abs(gap) > STEP_OVER_MS ? gap : Math.max(-most, Math.min(most, gap));
    this.movedAt = here;
    return here + this.shown;
  },

  // The server read its clock between sending and coming: in the middle, give or take half of the round trip.
  take({ sent, came, data }) {
    const sample = { offset: data.server_time - (sent + came) / 2, trip: came - sent, at: came };
    const wrongBy = ({ trip, at }) => trip / 2 + (came - at) * DRIFT;
    if (wrongBy(sample) > wrongBy(this.best)) return;
    if (!this.known) this.shown = sample.offset;
    this.known = true;
    this.best = sample;
  },

  // The server said that it is too early, so what we believed was wrong.
  correct(answer) {
    this.best.trip = Infinity;
    this.known = false;
    this.take(answer);
  },

  // The steady base stands still while some devices sleep; then whatever is measured next is better.
  lost() {
    const apart = Date.now() - performance.now();
    if (Math.abs(apart - this.apart) > SLEPT_MS) this.best.trip = Infinity;
    this.apart = apart;
    return this.best.trip === Infinity;
  },
};

function countdown(ms) {
  const seconds = Math.ceil(ms / 1_000);
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24];
  const rest = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  const text = days || hours ? `${hours}:${rest}` : rest;
  return days ? `${days} ${t(days === 1 ? "day" : "days", "天")} ${text}` : text;
}

function showTimes() {
  const parts = { year: "numeric", month: "short", day: "numeric", weekday: "short", hour: "2-digit",
    minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
  for (const time of document.querySelectorAll(".act time")) {
    const moment = new Date(time.dateTime);
    const seconds = moment.getSeconds() ? { second: "2-digit" } : {};
    time.title = time.textContent;
    time.textContent = moment.toLocaleString(document.documentElement.lang, { ...parts, ...seconds });
  }
}
