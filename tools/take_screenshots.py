"""Take the documentation's screenshots from a finished default run.

``python tools/take_screenshots.py results docs/images`` opens the report, the first look and the review page in a
headless Chromium, and saves their visible parts as WebP. Run ``snakemake`` and ``snakemake review`` before. Use only
generated recordings.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import invisibility_of_element
from selenium.webdriver.support.wait import WebDriverWait

WIDTH, HEIGHT = 1200, 860
WAIT_S = 10
FLAGS = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "mute-audio", "hide-scrollbars", f"window-size={WIDTH},{HEIGHT}",
)  # fmt: skip
PARTS_OF_THE_REPORT = {"report": "", "verdicts": "#verdicts", "audit": "#audit"}
QUALITY = 75


def main(results: Path, images: Path) -> None:
    """Save the screenshots of one results folder."""
    images.mkdir(parents=True, exist_ok=True)
    browser = open_browser()
    try:
        for name, anchor in PARTS_OF_THE_REPORT.items():
            browser.get("about:blank")  # else only the anchor would change
            browser.get((results / "report.html").resolve().as_uri() + anchor)
            save(browser, images / f"{name}.webp")
        browser.get((results / "mining/first_look.html").resolve().as_uri())
        save(browser, images / "first_look.webp")
        browser.get((results / "review/index.html").resolve().as_uri())
        initials = browser.switch_to.active_element  # the page asks who is listening
        initials.send_keys("me\n")
        WebDriverWait(browser, WAIT_S).until(invisibility_of_element(initials))
        browser.find_element(By.ID, "next").click()
        browser.execute_script("document.activeElement.blur()")
        save(browser, images / "review.webp")
    finally:
        browser.quit()


def open_browser() -> webdriver.Chrome:
    """Start a headless Chromium that connects to nothing."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def save(browser: webdriver.Chrome, path: Path) -> None:
    """Save the visible part of the page as WebP."""
    image = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    image.save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
