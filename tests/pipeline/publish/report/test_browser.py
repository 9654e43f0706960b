"""The page in a real browser: figures are drawn, in both colour schemes and any width, and nothing is fetched."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from pipeline.publish.report.build import write_report
from pipeline.publish.report.formulas import draw_text
from tests.pipeline.publish.report.test_build import tell_hostile
from tests.pipeline.publish.report_runs import Told, lay_run, tell_small_run, tell_sums

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
LIGHT = {"keep": (217, 154, 20), "hard": (63, 104, 168), "easy": (198, 91, 63), "label": (129, 88, 166)}
PAPER = {"light": (252, 251, 248), "dark": (24, 23, 20)}


def browse(page: Path, out: Path, *flags: str) -> str:
    """Open `page` with a new profile below `out`; returns what the browser prints."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.fail("no Chromium here; install it: apt-get install -y chromium")
    profile = out / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def shoot(page: Path, out: Path, width: int, height: int, *flags: str) -> Image.Image:
    picture = out / "shot.png"
    picture.unlink(missing_ok=True)
    browse(page, out, f"--window-size={width},{height}", f"--screenshot={picture}", *flags)
    with Image.open(picture) as image:
        return image.convert("RGB")


def count_pixels(image: Image.Image, colour: tuple[int, int, int], tolerance: int = 0) -> int:
    colours = image.getcolors(image.width * image.height) or []
    return sum(n for n, c in colours if all(abs(a - b) <= tolerance for a, b in zip(c, colour, strict=True)))


def list_requests(log: Path) -> list[str]:
    """Addresses that the page itself asked for; the browser's own have no origin."""
    text = log.read_text(encoding="utf-8")
    try:
        noted = json.loads(text)
    except json.JSONDecodeError:  # left open by a browser that ended early
        noted = json.loads(text.rstrip().rstrip(",") + "]}")
    start = noted["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event["params"] for event in noted["events"] if event["type"] == start and "params" in event]
    return [a["url"] for a in asked if a.get("initiator") != "not an origin" and "url" in a]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    folder = lay_run(root, [*tell_small_run(), tell_hostile()])
    return root / write_report(folder)


def test_figures_are_drawn_light_and_dark(report: Path, tmp_path: Path) -> None:
    light = shoot(report, tmp_path, 1200, 1500)
    assert light.size == (1200, 1500)
    assert light.getpixel((2, 2)) == PAPER["light"]
    for tone, colour in LIGHT.items():
        assert count_pixels(light, colour) > 60, f"{tone} is drawn"
    assert len(set(light.getdata())) > 100
    dark = shoot(report, tmp_path, 1200, 1500, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
    assert dark.getpixel((2, 2)) == PAPER["dark"]
    assert count_pixels(dark, (107, 149, 214)) > 60


def test_the_kept_ribbon_is_as_broad_as_its_share(tmp_path: Path) -> None:
    def gold(told: list[Told], name: str) -> int:
        folder = lay_run(tmp_path / name, told)
        write_report(folder)
        picture = shoot(tmp_path / name / "funnel.svg", tmp_path, 1020, 500)
        return count_pixels(picture, (219, 159, 32), tolerance=14)

    every = gold(tell_sums(13)[1:], "all kept")
    half = gold([*tell_sums(7)[1:], *tell_sums(17)[13:], *tell_sums(15)[13:]], "half kept")
    assert every > 100_000
    assert half / every == pytest.approx(0.5, abs=0.03)


def test_nothing_overflows_a_narrow_window(report: Path, tmp_path: Path) -> None:
    narrow = shoot(report, tmp_path, 500, 6000)
    edge = narrow.crop((492, 0, 500, 6000))
    assert edge.getcolors() == [(8 * 6000, PAPER["light"])]
    assert count_pixels(narrow, LIGHT["hard"]) > 60


def test_the_page_fetches_nothing_and_runs_no_foreign_script(report: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    dom = browse(report, tmp_path, f"--log-net-log={log}", "--dump-dom")
    assert list_requests(log) == []
    head = dom.partition("</head>")[0]
    assert "<title>" in head
    assert "problems in" in head.partition("<title>")[2], "no text of a problem has set the title"
    assert dom.count('<svg class="funnel"') == 2
    assert 'class="tools"' in dom
    assert 'class="tools" hidden' not in dom, "the page's own script ran"


def test_the_log_would_show_a_page_that_fetches(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><img src="http://example.org/x.png">', encoding="utf-8")
    log = tmp_path / "net.json"
    browse(page, tmp_path, f"--log-net-log={log}", "--dump-dom")
    assert list_requests(log) == ["http://example.org/x.png"]


MEASURE = """<script>
const [above, below] = [...document.querySelector("mfrac").children].map((part) => part.getBoundingClientRect());
document.body.dataset.fraction = [above.bottom <= below.top, above.height > 5, below.height > 5].join(" ");
</script>"""


def test_a_numerator_stands_above_its_denominator(tmp_path: Path) -> None:
    formula = draw_text(r"Find $\frac{123}{x+1}$.", 8000)
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><body><p>{formula}</p>{MEASURE}", encoding="utf-8")
    assert 'data-fraction="true true true"' in browse(page, tmp_path, "--dump-dom")
