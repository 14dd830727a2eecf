"use strict";
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const steps = data.atOrAbove.length - 1;

// The number of files at or above the cut.
function showCut() {
  const step = Number($("cut").value);
  const files = data.atOrAbove[step];
  const share = (100 * files) / data.files;
  $("cut-value").textContent = (step / steps).toFixed(3);
  $("cut-files").textContent = `${files.toLocaleString("en")} file${files === 1 ? "" : "s"}`;
  $("cut-share").textContent = `(${share < 10 && files ? share.toPrecision(2) : Math.round(share)} % of the pool)`;
  $("above").setAttribute("x", (data.histogram.length * step) / steps);
}
$("cut").addEventListener("input", showCut);
showCut();

// A picture plays its sound, and a line follows it. One clip plays at a time.
const sounds = [...document.querySelectorAll("audio")];
for (const sound of sounds) {
  const picture = sound.closest("li").querySelector(".picture");
  const line = picture.querySelector("line");
  const follow = () => {
    const percent = sound.paused ? -1 : (100 * sound.currentTime) / sound.duration;
    line.setAttribute("x1", percent);
    line.setAttribute("x2", percent);
    if (!sound.paused) requestAnimationFrame(follow);
  };
  sound.addEventListener("play", () => {
    for (const other of sounds) if (other !== sound) other.pause();
    follow();
  });
  picture.addEventListener("click", () => {
    if (!sound.paused) return sound.pause();
    sound.currentTime = 0;
    sound.play().catch(() => {});
  });
}

$("copy").addEventListener("click", async () => {
  const text = $("suggestion").textContent;
  try {
    await navigator.clipboard.writeText(text);
    $("copy").textContent = "Copied";
  } catch {
    // A page from disk may not use the clipboard: select the text, so that the reader can copy it.
    getSelection().selectAllChildren($("suggestion"));
    $("copy").textContent = "Selected";
  }
  $("status").textContent = `${$("copy").textContent}.`;
});
