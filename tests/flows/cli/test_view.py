"""`goldilocks view` as a person uses it: a real browser, a real server, keys and no mouse."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flows.cli.errors import Exit
from pipeline.labels.flags import read_flags
from pipeline.run.storage import RunFolder
from tests.conftest import ROOT
from tests.pipeline.publish.report.test_build import tell_hostile
from tests.pipeline.publish.report_runs import lay_run, tell_small_run, tell_sums

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1280,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WAIT = 20.0
"""Seconds until a page must be there: a hang guard."""
TOM = "Tom has 3 bags"


@contextmanager
def serve(*arguments: str, environment: dict[str, str]) -> Iterator[str]:
    """The address that `goldilocks view` prints; Ctrl+C ends it, with exit code 0."""
    command = [sys.executable, "-m", "flows.cli.main", "view", "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert "http://127.0.0.1:" in line, line
            yield line.split()[-1].rstrip("/")
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(WAIT) == Exit.DONE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two passes: in the second every sum is solved three times more."""
    folder = lay_run(tmp_path_factory.mktemp("runs") / "first", [*tell_small_run(), tell_hostile()])
    import polars as pl

    table = folder.read_table("decisions/pass-1-00000.parquet")
    better = (pl.col("correct") + 3).clip(0, 16)
    second = table.with_columns(
        pl.lit(2, pl.Int8).alias("grading_pass"),
        better.alias("correct"),
        (better / 16).alias("pass_rate"),
        pl.when(better > 12).then(pl.lit("too_easy")).otherwise(pl.lit("keep")).alias("decision"),
    )
    folder.write_table("decisions/pass-2-00000.parquet", second)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_run(tmp_path_factory.mktemp("runs") / "second", tell_sums(30)[4:])


@pytest.fixture(scope="module")
def address(run: RunFolder, other: RunFolder, prefect_home: dict[str, str]) -> Iterator[str]:
    with serve(run.root, "--against", other.root, environment=prefect_home) as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's Chromium under its own driver, with a profile of its own and no way out of this machine."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: apt-get install -y chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


class Person:
    """Someone with a keyboard before a screen."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str = "/") -> None:
        self.driver.get(self.url + path)

    def press(self, *keys: str) -> None:
        """Keys to whatever has the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def see(self, fits: Callable[[], Any]) -> Any:
        """Wait until it is so; pages come and go while one looks."""
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        lost = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.driver, WAIT, 0.05, ignored_exceptions=lost).until(lambda _: fits())

    def read(self, selector: str = "main") -> str:
        return str(self.driver.find_element("css selector", selector).text)

    def count(self, selector: str) -> int:
        return len(self.driver.find_elements("css selector", selector))

    def focused(self) -> str:
        return str(self.driver.switch_to.active_element.text)

    def script(self, code: str) -> Any:
        return self.driver.execute_script(code)


@pytest.fixture
def person(browser: Any, address: str) -> Person:
    who = Person(browser, address)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    who.open()
    return who


def test_search_open_and_come_back_by_keyboard(person: Person) -> None:
    from selenium.webdriver.common.keys import Keys

    person.press("/", "marbles", Keys.ENTER)
    person.see(lambda: "1 problem of 31" in person.read("h1"))
    person.press("j")
    assert person.focused().startswith(TOM)
    assert person.script("return getComputedStyle(document.activeElement).outlineStyle") == "solid", "focus is seen"
    person.press(Keys.ENTER)
    person.see(lambda: "label contradicted" in person.read(".title"))
    assert TOM in person.read(".statement")
    assert "13 votes" in person.read(".judged")
    person.press("j", Keys.ENTER)
    person.see(lambda: person.count(".samples details[open]") == 1)
    assert "12 - 2 = 10" in person.read(".samples details[open] pre")
    person.press("o")
    assert person.count(".samples > li > details[open]") == person.count(".samples > li > details")
    person.press("u")
    person.see(lambda: "1 problem of 31" in person.read("h1"))
    person.see(lambda: person.focused().startswith(TOM))


def test_rows_are_walked_with_j_and_k_and_problems_with_n_and_p(person: Person) -> None:
    person.open("/?source=sums&sort=hard")
    person.press("j", "j", "j", "k")
    rows = person.driver.find_elements("css selector", ".row")
    assert person.driver.switch_to.active_element == rows[1]
    from selenium.webdriver.common.keys import Keys

    person.press(Keys.ENTER)
    person.see(lambda: "2 of 24" in person.read(".pager"))
    person.press("n")
    person.see(lambda: "3 of 24" in person.read(".pager"))
    person.press("p", "p")
    person.see(lambda: "2 of 24" in person.read(".pager"))
    assert "sort=hard" in person.driver.current_url


def test_narrow_down_by_outcome_and_pass_rate_and_widen_again(person: Person, run: RunFolder) -> None:
    from selenium.webdriver.support.ui import Select

    person.driver.find_element("xpath", "//section[@class='facet']//a[contains(., 'proof')]").click()
    person.see(lambda: "1 problem of 31" in person.read("h1"))
    assert "irrational" in person.read(".rows")
    person.driver.find_element("css selector", ".chips a").click()
    person.see(lambda: person.read("h1") == "31 problems")
    Select(person.driver.find_element("name", "from")).select_by_visible_text("13")
    person.see(lambda: "from=13" in person.driver.current_url)
    shown = [row.text for row in person.driver.find_elements("css selector", ".rate-of")]
    solved = run.read_table("decisions/pass-2-00000.parquet")["correct"] >= 13
    assert len(shown) == solved.sum() > 0
    assert all(int(text.split()[0]) >= 13 for text in shown)


def test_flag_a_label_see_it_and_take_it_back(person: Person, run: RunFolder) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    person.open("/?q=marbles")
    person.press("j", "f")
    person.see(lambda: person.script("return document.activeElement.id") == "note")
    note = 'It asks how many are left: 10 </textarea><script>document.title="owned"</script>'
    person.press(note)
    ActionChains(person.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    person.see(lambda: note in person.read(".flagged"))
    (flag,) = read_flags(run).open
    assert (flag.note, flag.seen["answer"], flag.seen["majority_answer"]) == (note, "12", "10")
    person.press("g", "f")
    person.see(lambda: person.read("h1") == "1 flag")
    assert note in person.read(".flags")
    assert person.driver.title != "owned"
    person.driver.find_element("css selector", ".flags button").click()
    person.see(lambda: person.read("h1") == "No flags")
    assert read_flags(run).open == ()


def test_compare_passes_and_runs(person: Person) -> None:
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    person.press("g", "c")
    person.see(lambda: "judged otherwise" in person.read("h1"))
    Select(person.driver.find_element("name", "right")).select_by_visible_text("first, pass 2")
    person.see(lambda: "left=pass-1&right=pass-2" in person.driver.current_url)
    assert person.count("svg.passes circle") > 5
    row = person.driver.find_element("xpath", "//tr[td[1]='kept' and td[2]='too easy']//a")
    moved = int(row.text.split()[0])
    row.click()
    person.see(lambda: "from kept to too easy" in person.read("#list h2"))
    assert person.count(".row") == moved > 0
    person.open("/compare?left=outcome&right=1-outcome")
    assert "not there" in person.read(".moves")
    person.open("/compare?left=outcome&right=1-outcome&before=absent&after=keep")
    person.press("j", Keys.ENTER)
    person.see(lambda: "as it stands in second" in person.read())


@pytest.mark.parametrize("width", [360, 390, 820, 1280, 2200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_any_width_in_both_schemes(person: Person, run: RunFolder, width: int, scheme: str) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    hostile = tell_hostile().row["id"]
    for path in ("/", "/?q=what&outcome=keep&outcome=too_easy&from=2", f"/problem/{hostile}", "/compare", "/flags"):
        person.open(path)
        assert person.script("return document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
        paper = person.script("return getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(252, 251, 248)", "dark": "rgb(24, 23, 20)"}[scheme]


CONTRAST = """
const said = (c) => c.match(/[0-9.]+/g).map(Number);
const light = (c) => said(c).slice(0, 3).map((v) => v / 255)
  .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (said(c)[3] !== 0) return c; } return "rgb(255,255,255)"; };
const low = [];
for (const e of document.querySelectorAll("main *, header *")) {
  if (e.closest("svg, dialog, option, .hidden") || !e.checkVisibility()) continue;
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) low.push(e.className + ": " + e.textContent.trim().slice(0, 40));
}
return low;
"""
"""Texts whose contrast is below 4.5, the AA level of WCAG 2.2 (1.4.3)."""
UNNAMED = """
return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length))
  .map((e) => e.outerHTML.slice(0, 80));
"""
"""What can be worked and has no name for those who do not see it."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_and_controls_have_names(person: Person, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    tom = tell_small_run()[24].row["id"]
    for path in ("/?q=what&outcome=keep", f"/problem/{tom}", "/compare", "/flags", "/?sort=wrong"):
        person.open(path)
        assert person.script(CONTRAST) == [], (path, scheme)
        assert person.script(UNNAMED) == [], path
        assert person.count("h1") == person.count("main") == 1
        assert person.script("return document.documentElement.lang") == "en"


def test_help_names_the_keys_and_gives_the_focus_back(person: Person) -> None:
    from selenium.webdriver.common.keys import Keys

    person.press("?")
    assert "flag the label" in person.see(lambda: person.read("dialog[open]"))
    person.press("j")
    assert person.count(".row:focus") == 0, "keys wait while the help is open"
    person.press(Keys.ESCAPE)
    assert person.count("dialog[open]") == 0
    person.press("/", "j")
    assert person.driver.find_element("name", "q").get_attribute("value") == "j", "a letter is a letter where one types"


def test_hostile_problems_run_no_script_and_nothing_is_fetched(person: Person) -> None:
    person.driver.get_log("browser")
    person.driver.get_log("performance")
    hostile = tell_hostile().row["id"]
    for path in ("/", f"/problem/{hostile}", "/?q=owned", "/compare"):
        person.open(path)
        assert "owned" not in person.driver.title.partition("·")[2]
        assert person.script("return document.title") not in ("owned", "1", "2")
    import json

    asked = [json.loads(entry["message"])["message"] for entry in person.driver.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
    assert len(urls) > 4
    assert [url for url in urls if not url.startswith((person.url, "data:"))] == []
    assert [entry for entry in person.driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_taken_port_is_named(run: RunFolder, prefect_home: dict[str, str], goldilocks: Any) -> None:
    with serve(run.root, environment=prefect_home) as url:
        port = url.rpartition(":")[2]
        told = goldilocks("view", run.root, "--port", port, check=Exit.BAD_INPUT).stderr
    assert f"cannot listen on 127.0.0.1:{port}" in told
    assert "--port" in told


def test_beyond_loopback_the_address_has_a_token(run: RunFolder, prefect_home: dict[str, str]) -> None:
    import httpx

    command = [sys.executable, "-m", "flows.cli.main", "view", run.root, "--port", "0", "--host", "0.0.0.0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=prefect_home | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        printed = server.stdout.readline().split()[-1]
        port, _, token = printed.rpartition(":")[2].partition("/?token=")
        here = f"http://127.0.0.1:{port}/"
        assert len(token) > 20
        assert httpx.get(here).status_code == 401
        assert httpx.get(f"{here}?token={token}", follow_redirects=True).status_code == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(WAIT) == Exit.DONE
