"use strict";
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const LABELS = ["negative", "positive", "uncertain"];
const MARKS = { negative: "−", positive: "+", uncertain: "?" };
const COLUMNS = ["file_path", "start_s", "end_s", "label", "reviewer", "reviewed_at", "note", "target"];
const STORAGE_KEY = `hardneg-review:${data.target}`;
const byPath = new Map(data.candidates.map((candidate) => [candidate.file_path, candidate]));

// What this browser stores: the reviewer, the log of answers (without undone ones) and settings.
let stored = { reviewer: null, log: [], autoplay: false, volume: 1 };
let canStore = true;
try {
  stored = { ...stored, ...JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}") };
} catch {
  canStore = false;
}
function store() {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
  } catch {
    canStore = false;
  }
  $("storage").hidden = canStore;
}

// Control characters (line breaks, writing direction) are shown as code points.
const escapeControls = (text) => String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
const toFixed = (value, digits = 3) => Number(value).toFixed(digits);
function createElement(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = escapeControls(text);
  if (className) node.className = className;
  return node;
}

// The latest answer of this reviewer on each file, from the page's review and this browser's log.
let answers = new Map();
function collectAnswers() {
  const rows = [...data.answers, ...stored.log].filter((answer) => answer.reviewer === stored.reviewer);
  rows.sort((a, b) => (a.reviewed_at < b.reviewed_at ? -1 : a.reviewed_at > b.reviewed_at ? 1 : 0));
  answers = new Map(rows.map((answer) => [answer.file_path, answer]));
}
const labelOf = (candidate) => answers.get(candidate.file_path)?.label ?? "";

// The queue: the candidates that pass the filters, in order.
let queue = [];
let current = null;
const ORDERS = {
  margin: (a, b) => (a.margin ?? Infinity) - (b.margin ?? Infinity) || b.confidence - a.confidence,
  confidence: (a, b) => b.confidence - a.confidence,
  recorder: (a, b) => a.recorder_id.localeCompare(b.recorder_id) || a.date.localeCompare(b.date) || a.file_path.localeCompare(b.file_path),
};

function updateList() {
  const [state, tier, flag, recorder] = ["state", "tier", "flag", "recorder"].map((id) => $(id).value);
  queue = data.candidates.filter(
    (candidate) =>
      (!state || (state === "open" ? !labelOf(candidate) : labelOf(candidate) === state)) &&
      (!tier || candidate.tiers.includes(tier)) &&
      (!flag || (flag === "none" ? !candidate.flags.length : candidate.flags.some(([name]) => name === flag))) &&
      (!recorder || candidate.recorder_id === recorder),
  );
  queue.sort(ORDERS[$("sort").value]);
  $("list").replaceChildren(...queue.map(createListItem));
  $("list-size").textContent = queue.length === data.candidates.length ? `${queue.length} clips` : `${queue.length} of ${data.candidates.length} clips`;
  if (!queue.includes(current)) showCandidate(queue.find((candidate) => !labelOf(candidate)) ?? queue[0] ?? null, false);
  else highlightCurrent();
  updateProgress();
}

function createListItem(candidate) {
  const item = document.createElement("li");
  const button = createElement("button");
  button.type = "button";
  button.append(createElement("span", "", "mark"), createElement("span", `${candidate.recorder_id} ${candidate.date}`, "recording"), createElement("span", toFixed(candidate.confidence), "score"));
  button.tabIndex = -1;
  button.addEventListener("click", () => showCandidate(candidate));
  item.append(button);
  candidate.button = button;
  updateMark(candidate);
  return item;
}

function updateMark(candidate) {
  const label = labelOf(candidate);
  const mark = candidate.button?.querySelector(".mark");
  if (!mark) return;
  mark.textContent = MARKS[label] ?? (candidate.flags.length ? "⚑" : "·");
  mark.className = `mark ${label}`;
  candidate.button.setAttribute("aria-label", escapeControls(`${candidate.recorder_id} ${candidate.date}, score ${toFixed(candidate.confidence)}, ${label || "unanswered"}`));
}

function highlightCurrent() {
  for (const button of $("list").querySelectorAll("[aria-current]")) {
    button.removeAttribute("aria-current");
    button.tabIndex = -1;
  }
  if (!current?.button) return;
  current.button.setAttribute("aria-current", "true");
  current.button.tabIndex = 0;
  current.button.scrollIntoView({ block: "nearest" });
  $("position").textContent = `clip ${queue.indexOf(current) + 1} of ${queue.length}`;
}

function updateProgress() {
  const answered = data.candidates.filter(labelOf).length;
  const counts = LABELS.map((label) => `${data.candidates.filter((candidate) => labelOf(candidate) === label).length} ${label}`);
  $("bar").max = Math.max(data.candidates.length, 1);
  $("bar").value = answered;
  $("progress").textContent = `${answered} of ${data.candidates.length} (${counts.join(", ")})`;
}

function showCandidate(candidate, play = stored.autoplay) {
  stopSound();
  current = candidate;
  $("card").hidden = !candidate;
  if (!candidate) return;
  const media = data.media[candidate.clip];
  $("picture").src = media.picture;
  $("picture").alt = `Spectrogram from ${toFixed(candidate.from_s, 1)} to ${toFixed(candidate.to_s, 1)} s, 0 to ${data.topHz / 1000} kHz`;
  $("sound").src = media.sound;
  $("name").replaceChildren(createElement("bdi", candidate.file_path));
  drawAxes(candidate);
  $("gain").textContent = `gain ${candidate.gain_db >= 0 ? "+" : "−"}${toFixed(Math.abs(candidate.gain_db), 0)} dB`;
  $("note").value = answers.get(candidate.file_path)?.note ?? "";
  $("flags").replaceChildren(...candidate.flags.map(([name, reason]) => createElement("li", `${name.replaceAll("_", " ")}: ${reason}`)));
  showFacts(candidate);
  updateAnswerButtons();
  highlightCurrent();
  const next = queue[queue.indexOf(candidate) + 1];
  if (next) new Image().src = data.media[next.clip].picture;
  if (play) startSound();
}

function showFacts(candidate) {
  const scoreNames = { mining: "Mining score", audit: "Audit score" };
  const facts = [
    ...candidate.scores.map(([name, value]) => [scoreNames[name] ?? `Score of ${name}`, toFixed(value, 4)]),
    ["Highest-scoring window", `${toFixed(candidate.start_s, 2)}–${toFixed(candidate.end_s, 2)} s`],
    ["Recorder", candidate.recorder_id],
    ["Site", candidate.site],
    ["Date", candidate.date],
    ["Within the bounds of", candidate.tiers.join(", ") || "no tier"],
  ].filter(([, text]) => text);
  $("facts").replaceChildren(
    ...facts.map(([name, text]) => {
      const pair = document.createElement("div");
      const value = document.createElement("dd");
      value.append(createElement("bdi", text));
      pair.append(createElement("dt", name), value);
      return pair;
    }),
  );
}

function drawAxes(candidate) {
  const length = candidate.to_s - candidate.from_s;
  const percent = (seconds) => `${(100 * (seconds - candidate.from_s)) / length}%`;
  $("window").style.left = percent(candidate.start_s);
  $("window").style.width = `${(100 * (Math.min(candidate.end_s, candidate.to_s) - candidate.start_s)) / length}%`;
  const hertzTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const tick = createElement("span", `${toFixed((share * data.topHz) / 1000, 1)}${share === 1 ? " kHz" : ""}`);
    tick.style.top = `${100 * (1 - share) + (share === 1 ? 4 : share === 0 ? -4 : 0)}%`;
    return tick;
  });
  $("hertz").replaceChildren(...hertzTicks);
  const secondTicks = [];
  for (let second = Math.ceil(candidate.from_s); second <= candidate.to_s; second++) {
    const tick = createElement("span", `${second} s`);
    tick.style.left = percent(second);
    secondTicks.push(tick);
  }
  $("seconds").replaceChildren(...secondTicks);
}

// Answers.
function updateAnswerButtons() {
  for (const button of document.querySelectorAll("[data-label]")) button.setAttribute("aria-pressed", String(labelOf(current) === button.dataset.label));
}

function recordAnswer(label) {
  const answer = { file_path: current.file_path, start_s: current.start_s, end_s: current.end_s, label, reviewer: stored.reviewer ?? "", reviewed_at: new Date().toISOString(), note: $("note").value, target: data.target };
  stored.log.push(answer);
  answers.set(current.file_path, answer);
  store();
  updateMark(current);
  updateAnswerButtons();
  updateProgress();
}

function answerAndAdvance(label) {
  if (!current) return;
  recordAnswer(label);
  const index = queue.indexOf(current);
  const next = [...queue.slice(index + 1), ...queue.slice(0, index)].find((candidate) => !labelOf(candidate));
  $("status").textContent = `${label}. ${$("progress").textContent}${next ? "" : ". Every clip in the list is answered."}`;
  if (next) showCandidate(next);
}

function undo() {
  const index = stored.log.findLastIndex((answer) => answer.reviewer === (stored.reviewer ?? ""));
  if (index < 0) return ($("status").textContent = "Nothing to undo.");
  const [undone] = stored.log.splice(index, 1);
  store();
  collectAnswers();
  const candidate = byPath.get(undone.file_path);
  $("status").textContent = `Undone: ${undone.label}.`;
  if (candidate) {
    updateMark(candidate);
    showCandidate(candidate, false);
  }
  updateProgress();
}

function step(offset) {
  const index = queue.indexOf(current) + offset;
  if (queue[index]) showCandidate(queue[index]);
}

// Playback: the playhead follows the sound.
const sound = $("sound");
function startSound() {
  sound.currentTime = 0;
  sound.play().catch(() => {});
}
function stopSound() {
  sound.pause();
  $("playhead").hidden = true;
}
const toggleSound = () => (sound.paused ? startSound() : stopSound());
function movePlayhead() {
  $("playhead").hidden = sound.paused;
  if (sound.paused || !current) return;
  $("playhead").style.left = `${(100 * sound.currentTime) / (current.to_s - current.from_s)}%`;
  requestAnimationFrame(movePlayhead);
}
for (const event of ["play", "pause", "ended"]) {
  sound.addEventListener(event, () => {
    $("play").setAttribute("aria-pressed", String(!sound.paused));
    $("play").firstChild.textContent = sound.paused ? "Play " : "Stop ";
    movePlayhead();
  });
}

// Saving: the answers that the page was made with, then the new ones of this browser.
function formatCsv() {
  // A spreadsheet must not run text as a formula; see common/formulas.py.
  const isFormula = (text) => /^'*[=+\-@\t\r\n]/.test(text) && !/^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$/.test(text);
  const guard = (text) => (isFormula(text) ? `'${text}` : text);
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cell = (value) => quote(guard(String(value)));
  const rows = [...data.answers, ...newAnswers()].map((answer) => COLUMNS.map((column) => answer[column] ?? ""));
  return [COLUMNS, ...rows].map((cells) => cells.map(cell).join(",")).join("\n") + "\n";
}
function newAnswers() {
  const key = (answer) => JSON.stringify([answer.file_path, answer.reviewer, answer.reviewed_at, answer.label]);
  const known = new Set(data.answers.map(key));
  return stored.log.filter((answer) => !known.has(key(answer)));
}
function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([formatCsv()], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $("status").textContent = "Saved review.csv.";
}

function openHelp() {
  $("reviewer").value = stored.reviewer ?? "";
  $("help-dialog").showModal();
  $("reviewer").focus();
}
$("help-dialog").addEventListener("close", () => {
  stored.reviewer = $("reviewer").value.trim();
  store();
  startReview();
});
function startReview() {
  $("change-reviewer").textContent = `Reviewer: ${stored.reviewer ? escapeControls(stored.reviewer) : "no name"}`;
  collectAnswers();
  updateList();
  if (current) showCandidate(current, false);
  $("card").focus();
}

const KEYS = {
  n: () => answerAndAdvance("negative"), 1: () => answerAndAdvance("negative"),
  p: () => answerAndAdvance("positive"), 2: () => answerAndAdvance("positive"),
  u: () => answerAndAdvance("uncertain"), 3: () => answerAndAdvance("uncertain"),
  j: () => step(1), arrowright: () => step(1), k: () => step(-1), arrowleft: () => step(-1),
  z: undo, s: save, " ": toggleSound, "?": openHelp, t: () => $("note").focus(),
};
document.addEventListener("keydown", (event) => {
  const { target } = event;
  if ($("help-dialog").open || event.altKey || event.metaKey || (event.ctrlKey && event.key !== "z")) return;
  if (target.id === "note" && ["Escape", "Enter"].includes(event.key)) return $("card").focus();
  if (target.matches("input[type=text], select, input[type=range]")) return;
  if (event.key === " " && target.matches("button, input")) return;
  const action = KEYS[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});
// A click returns the focus to the card, so that the space bar plays the sound instead of pressing the button again.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && event.target.closest("#card button, #list button, .tools button") && !$("help-dialog").open) $("card").focus();
});
$("note").addEventListener("change", () => {
  const label = current && labelOf(current);
  if (label) recordAnswer(label);
});
for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => answerAndAdvance(button.dataset.label));
const BUTTONS = { play: toggleSound, next: () => step(1), back: () => step(-1), undo, save, help: openHelp, "change-reviewer": openHelp };
for (const [id, action] of Object.entries(BUTTONS)) $(id).addEventListener("click", action);
$("picture").addEventListener("click", toggleSound);
for (const id of ["state", "tier", "flag", "recorder", "sort"]) $(id).addEventListener("change", updateList);
$("autoplay").checked = stored.autoplay;
$("autoplay").addEventListener("change", () => { stored.autoplay = $("autoplay").checked; store(); });
$("volume").value = sound.volume = stored.volume;
$("volume").addEventListener("input", () => { stored.volume = sound.volume = Number($("volume").value); store(); });
const addOptions = (id, values) => $(id).append(...[...new Set(values)].sort().map((value) => {
  const option = createElement("option", id === "flag" ? value.replaceAll("_", " ") : value);
  option.value = value;
  return option;
}));
addOptions("tier", data.candidates.flatMap((candidate) => candidate.tiers));
addOptions("flag", data.candidates.flatMap((candidate) => candidate.flags.map(([name]) => name)));
addOptions("recorder", data.candidates.map((candidate) => candidate.recorder_id));
store();
startReview();
if (stored.reviewer === null) openHelp();
