"use strict";
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const LABELS = ["negative", "positive", "uncertain"];
const MARKS = { negative: "−", positive: "+", uncertain: "?" };
const COLUMNS = ["file_path", "start_s", "end_s", "label", "reviewer", "reviewed_at", "note"];
const STORE = `hardneg-review:${data.target}`;
const byPath = new Map(data.candidates.map((candidate) => [candidate.file_path, candidate]));

// What this browser knows: who listens, the log of answers given on it (an undone one is taken off), and settings.
let kept = { reviewer: null, log: [], autoplay: false, volume: 1 };
let keeps = true;
try {
  kept = { ...kept, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
} catch {
  keeps = false;
}
function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(kept));
  } catch {
    keeps = false;
  }
  $("storage").hidden = keeps;
}

// Characters that steer text (line breaks, writing direction) are shown as what they are.
const visible = (text) => String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
const decimals = (value, digits = 3) => Number(value).toFixed(digits);
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = visible(text);
  if (className) made.className = className;
  return made;
}

// The last answer of this reviewer on each file: the review that the page was made with, then this browser's log.
let answers = new Map();
function recall() {
  const mine = [...data.rows, ...kept.log].filter((row) => row.reviewer === kept.reviewer);
  mine.sort((a, b) => (a.reviewed_at < b.reviewed_at ? -1 : a.reviewed_at > b.reviewed_at ? 1 : 0));
  answers = new Map(mine.map((row) => [row.file_path, row]));
}
const labelOf = (candidate) => answers.get(candidate.file_path)?.label ?? "";

let order = [];
let current = null;
const sorts = {
  margin: (a, b) => (a.margin ?? Infinity) - (b.margin ?? Infinity) || b.confidence - a.confidence,
  confidence: (a, b) => b.confidence - a.confidence,
  recorder: (a, b) => a.recorder_id.localeCompare(b.recorder_id) || a.date.localeCompare(b.date) || a.file_path.localeCompare(b.file_path),
};

function arrange() {
  const [state, tier, flag, recorder] = ["state", "tier", "flag", "recorder"].map((id) => $(id).value);
  order = data.candidates.filter(
    (candidate) =>
      (!state || (state === "open" ? !labelOf(candidate) : labelOf(candidate) === state)) &&
      (!tier || candidate.tiers.includes(tier)) &&
      (!flag || (flag === "none" ? !candidate.flags.length : candidate.flags.some(([name]) => name === flag))) &&
      (!recorder || candidate.recorder_id === recorder),
  );
  order.sort(sorts[$("sort").value]);
  $("list").replaceChildren(...order.map(row));
  $("shown").textContent = order.length === data.candidates.length ? `${order.length} clips` : `${order.length} of ${data.candidates.length} clips`;
  if (!order.includes(current)) show(order.find((candidate) => !labelOf(candidate)) ?? order[0] ?? null, false);
  else mark();
  count();
}

function row(candidate) {
  const item = document.createElement("li");
  const button = element("button");
  button.type = "button";
  button.append(element("span", "", "mark"), element("span", `${candidate.recorder_id} ${candidate.date}`, "who"), element("span", decimals(candidate.confidence), "score"));
  button.tabIndex = -1;
  button.addEventListener("click", () => show(candidate));
  item.append(button);
  candidate.button = button;
  paint(candidate);
  return item;
}

function paint(candidate) {
  const label = labelOf(candidate);
  const sign = candidate.button?.querySelector(".mark");
  if (!sign) return;
  sign.textContent = MARKS[label] ?? (candidate.flags.length ? "⚑" : "·");
  sign.className = `mark ${label}`;
  candidate.button.setAttribute("aria-label", visible(`${candidate.recorder_id} ${candidate.date}, score ${decimals(candidate.confidence)}, ${label || "unanswered"}`));
}

function mark() {
  for (const other of $("list").querySelectorAll("[aria-current]")) {
    other.removeAttribute("aria-current");
    other.tabIndex = -1;
  }
  if (!current?.button) return;
  current.button.setAttribute("aria-current", "true");
  current.button.tabIndex = 0;
  current.button.scrollIntoView({ block: "nearest" });
  $("place").textContent = `${order.indexOf(current) + 1} of ${order.length}`;
}

function count() {
  const done = data.candidates.filter(labelOf).length;
  const counts = LABELS.map((label) => `${data.candidates.filter((candidate) => labelOf(candidate) === label).length} ${label}`);
  $("bar").max = Math.max(data.candidates.length, 1);
  $("bar").value = done;
  $("progress").textContent = `${done} of ${data.candidates.length} (${counts.join(", ")})`;
}

function show(candidate, play = kept.autoplay) {
  stop();
  current = candidate;
  $("card").hidden = !candidate;
  if (!candidate) return;
  const media = data.media[candidate.clip];
  $("picture").src = media.picture;
  $("picture").alt = `Spectrogram from ${decimals(candidate.from_s, 1)} to ${decimals(candidate.to_s, 1)} s, 0 to ${data.topHz / 1000} kHz`;
  $("sound").src = media.sound;
  $("name").replaceChildren(element("bdi", candidate.file_path));
  axes(candidate);
  $("gain").textContent = `played at ${candidate.gain_db >= 0 ? "+" : "−"}${decimals(Math.abs(candidate.gain_db), 0)} dB`;
  $("note").value = answers.get(candidate.file_path)?.note ?? "";
  $("flags").replaceChildren(...candidate.flags.map(([name, reason]) => element("li", `${name.replaceAll("_", " ")}: ${reason}`)));
  const facts = [
    ...candidate.scores.map(([name, value]) => [`Score, ${name}`, decimals(value, 4)]),
    ["Scored highest", `${decimals(candidate.start_s, 2)}–${decimals(candidate.end_s, 2)} s`],
    ["Recorder", candidate.recorder_id],
    ["Site", candidate.site],
    ["Date", candidate.date],
    ["Within tiers", candidate.tiers.join(", ") || "none"],
  ].filter(([, text]) => text);
  $("facts").replaceChildren(
    ...facts.map(([name, text]) => {
      const pair = document.createElement("div");
      const value = document.createElement("dd");
      value.append(element("bdi", text));
      pair.append(element("dt", name), value);
      return pair;
    }),
  );
  answered();
  mark();
  const following = order[order.indexOf(candidate) + 1];
  if (following) new Image().src = data.media[following.clip].picture;
  if (play) start();
}

function axes(candidate) {
  const length = candidate.to_s - candidate.from_s;
  const percent = (seconds) => `${(100 * (seconds - candidate.from_s)) / length}%`;
  $("window").style.left = percent(candidate.start_s);
  $("window").style.width = `${(100 * (Math.min(candidate.end_s, candidate.to_s) - candidate.start_s)) / length}%`;
  const hertz = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const tick = element("span", `${decimals((share * data.topHz) / 1000, 1)}${share === 1 ? " kHz" : ""}`);
    tick.style.top = `${100 * (1 - share) + (share === 1 ? 4 : share === 0 ? -4 : 0)}%`;
    return tick;
  });
  $("hertz").replaceChildren(...hertz);
  const ticks = [];
  for (let second = Math.ceil(candidate.from_s); second <= candidate.to_s; second++) {
    const tick = element("span", `${second} s`);
    tick.style.left = percent(second);
    ticks.push(tick);
  }
  $("seconds").replaceChildren(...ticks);
}

function answered() {
  for (const button of document.querySelectorAll("[data-label]")) button.setAttribute("aria-pressed", String(labelOf(current) === button.dataset.label));
}

function give(label, note = $("note").value) {
  if (!current) return;
  const row = { file_path: current.file_path, start_s: current.start_s, end_s: current.end_s, label, reviewer: kept.reviewer ?? "", reviewed_at: new Date().toISOString(), note };
  kept.log.push(row);
  answers.set(current.file_path, row);
  keep();
  paint(current);
  answered();
  count();
}

function answer(label) {
  if (!current) return;
  give(label);
  const place = order.indexOf(current);
  const next = [...order.slice(place + 1), ...order.slice(0, place)].find((candidate) => !labelOf(candidate));
  $("live").textContent = `${label}. ${$("progress").textContent}${next ? "" : ". All of these are answered."}`;
  if (next) show(next);
}

function undo() {
  const place = kept.log.findLastIndex((row) => row.reviewer === (kept.reviewer ?? ""));
  if (place < 0) return ($("live").textContent = "Nothing to undo.");
  const [taken] = kept.log.splice(place, 1);
  keep();
  recall();
  const candidate = byPath.get(taken.file_path);
  $("live").textContent = `Undone: ${taken.label}.`;
  if (candidate) {
    paint(candidate);
    show(candidate, false);
  }
  count();
}

function step(by) {
  const place = order.indexOf(current) + by;
  if (order[place]) show(order[place]);
}

// Playing: the line follows the sound.
const sound = $("sound");
function start() {
  sound.currentTime = 0;
  sound.play().catch(() => {});
}
function stop() {
  sound.pause();
  $("head").hidden = true;
}
const toggle = () => (sound.paused ? start() : stop());
function follow() {
  $("head").hidden = sound.paused;
  if (sound.paused || !current) return;
  $("head").style.left = `${(100 * sound.currentTime) / (current.to_s - current.from_s)}%`;
  requestAnimationFrame(follow);
}
for (const event of ["play", "pause", "ended"]) {
  sound.addEventListener(event, () => {
    $("play").setAttribute("aria-pressed", String(!sound.paused));
    $("play").firstChild.textContent = sound.paused ? "Play " : "Stop ";
    follow();
  });
}

// Every answer is kept: those that the page was made with, then this browser's.
function csv() {
  const cell = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  return [COLUMNS, ...[...data.rows, ...missing()].map((row) => COLUMNS.map((column) => row[column] ?? ""))].map((cells) => cells.map(cell).join(",")).join("\n") + "\n";
}
function missing() {
  const name = (row) => JSON.stringify([row.file_path, row.reviewer, row.reviewed_at, row.label]);
  const there = new Set(data.rows.map(name));
  return kept.log.filter((row) => !there.has(name(row)));
}
function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $("live").textContent = "review.csv is saved.";
}

function welcome() {
  $("reviewer").value = kept.reviewer ?? "";
  $("start").showModal();
  $("reviewer").focus();
}
$("start").addEventListener("close", () => {
  kept.reviewer = $("reviewer").value.trim();
  keep();
  begin();
});
function begin() {
  $("who").textContent = kept.reviewer ? `Listening: ${visible(kept.reviewer)}` : "Listening: nobody named";
  recall();
  arrange();
  if (current) show(current, false);
  $("card").focus();
}

const KEYS = {
  n: () => answer("negative"), 1: () => answer("negative"),
  p: () => answer("positive"), 2: () => answer("positive"),
  u: () => answer("uncertain"), 3: () => answer("uncertain"),
  j: () => step(1), arrowright: () => step(1), k: () => step(-1), arrowleft: () => step(-1),
  z: undo, s: save, " ": toggle, "?": welcome, t: () => $("note").focus(),
};
document.addEventListener("keydown", (event) => {
  const at = event.target;
  if ($("start").open || event.altKey || event.metaKey || (event.ctrlKey && event.key !== "z")) return;
  if (at.id === "note" && ["Escape", "Enter"].includes(event.key)) return $("card").focus();
  if (at.matches("input[type=text], select, input[type=range]")) return;
  if (event.key === " " && at.matches("button, input")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
// After a click the keys go to the page again: a space is to play, not to press the same button twice.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && event.target.closest("#card button, #list button, .tools button") && !$("start").open) $("card").focus();
});
$("note").addEventListener("change", () => {
  const label = current && labelOf(current);
  if (label) give(label);
});
for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => answer(button.dataset.label));
for (const [id, act] of Object.entries({ play: toggle, next: () => step(1), back: () => step(-1), undo, save, help: welcome, who: welcome })) $(id).addEventListener("click", act);
$("picture").addEventListener("click", toggle);
for (const id of ["state", "tier", "flag", "recorder", "sort"]) $(id).addEventListener("change", arrange);
$("autoplay").checked = kept.autoplay;
$("autoplay").addEventListener("change", () => { kept.autoplay = $("autoplay").checked; keep(); });
$("volume").value = sound.volume = kept.volume;
$("volume").addEventListener("input", () => { kept.volume = sound.volume = Number($("volume").value); keep(); });
const choices = (id, values) => $(id).append(...[...new Set(values)].sort().map((value) => {
  const option = element("option", id === "flag" ? value.replaceAll("_", " ") : value);
  option.value = value;
  return option;
}));
choices("tier", data.candidates.flatMap((candidate) => candidate.tiers));
choices("flag", data.candidates.flatMap((candidate) => candidate.flags.map(([name]) => name)));
choices("recorder", data.candidates.map((candidate) => candidate.recorder_id));
keep();
begin();
if (kept.reviewer === null) welcome();
