"""The server as a stranger meets it: other hosts, other origins, hostile problems, paths that lead out of the run."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.labels.flags import add_flag, read_flags
from pipeline.publish.view.app import build_app
from pipeline.publish.view.guard import Guard
from pipeline.publish.view.runs import OpenRun
from pipeline.run.storage import RunFolder
from tests.pipeline.publish.report.test_build import HOSTILE, tell_hostile
from tests.pipeline.publish.report_runs import Told, lay_run, tell_small_run, tell_sums

HOST = "127.0.0.1:8420"
ORIGIN = f"http://{HOST}"


class Page(HTMLParser):
    """What a browser would take for markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name in ("href", "src", "action")]


def browse(folder: RunFolder, guard: Guard | None = None) -> TestClient:
    app = build_app([OpenRun(folder)], guard or Guard("127.0.0.1", 8420, form="secret"))
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_run(tmp_path_factory.mktemp("run"), tell_small_run())


@pytest.mark.parametrize("host", ["evil.example:8420", "127.0.0.1:80", "127.0.0.1", "10.0.0.1:8420", "", "[::1]:1"])
def test_another_host_is_refused(small: RunFolder, host: str) -> None:
    answer = browse(small).get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "problem" not in answer.text


@pytest.mark.parametrize("host", [HOST, "localhost:8420", "LOCALHOST:8420", "[::1]:8420"])
def test_loopback_by_any_of_its_names(small: RunFolder, host: str) -> None:
    assert browse(small).get("/", headers={"host": host}).status_code == 200


def test_beyond_loopback_a_token_is_needed(small: RunFolder) -> None:
    client = browse(small, Guard("0.0.0.0", 8420, token="t0ken"))
    far = {"host": "192.0.2.7:8420"}
    assert client.get("/", headers=far).status_code == 401
    assert client.get("/?token=wrong", headers=far).status_code == 401
    assert client.get("/static/view.js", headers=far).status_code == 401
    assert client.get("/?token=t0ken", headers={"host": "evil.example:8420"}).status_code == 421
    let_in = client.get("/?token=t0ken&q=marbles", headers=far)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/?q=marbles")
    cookie = let_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert client.get("/", headers=far | {"cookie": cookie.partition(";")[0]}).status_code == 200


def sent_by(site: str, mode: str, to: str, **more: str) -> dict[str, str]:
    return {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": to, **more}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (sent_by("cross-site", "no-cors", "image"), 403),
        (sent_by("cross-site", "no-cors", "script"), 403),
        (sent_by("cross-site", "cors", "empty", origin="http://evil.example"), 403),
        (sent_by("same-site", "cors", "empty", origin="http://127.0.0.1:3000"), 403),
        (sent_by("cross-site", "navigate", "iframe"), 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        (sent_by("cross-site", "navigate", "document"), 200),
        (sent_by("none", "navigate", "document"), 200),
        (sent_by("same-origin", "no-cors", "script"), 200),
        (sent_by("same-origin", "no-cors", "style"), 200),
        (sent_by("same-origin", "cors", "empty", origin=ORIGIN), 200),
    ],
)
def test_a_web_page_elsewhere_can_link_here_and_nothing_else(
    small: RunFolder, headers: dict[str, str], code: int
) -> None:
    assert browse(small).get("/?q=marbles", headers=headers).status_code == code


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {"form": "secret"}),
        ({"origin": "http://evil.example"}, {"form": "secret"}),
        ({"origin": "null"}, {"form": "secret"}),
        ({"origin": "http://localhost:8420"}, {"form": "secret"}),
        ({"origin": ORIGIN, "sec-fetch-site": "cross-site"}, {"form": "secret"}),
        ({"origin": ORIGIN}, {"form": "guess"}),
        ({"origin": ORIGIN}, {}),
    ],
)
def test_no_other_page_can_flag(small: RunFolder, headers: dict[str, str], form: dict[str, str]) -> None:
    id_ = tell_small_run()[0].row["id"]
    answer = browse(small).post(f"/problem/{id_}/flag", data=form | {"note": "my long note"}, headers=headers)
    assert answer.status_code == 403
    assert "my long note" in answer.text, "what a person wrote is not lost"
    assert read_flags(small).open == ()


def test_a_flag_is_written_shown_and_taken_back(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_small_run())
    client, id_ = browse(folder), tell_small_run()[24].row["id"]
    sent = {"form": "secret", "note": "10 are left", "asked": "outcome=label_contradicted"}
    done = client.post(f"/problem/{id_}/flag", data=sent, headers={"origin": ORIGIN})
    assert (done.status_code, done.headers["location"]) == (303, f"/problem/{id_}?outcome=label_contradicted")
    (flag,) = read_flags(folder).open
    assert (flag.problem_id, flag.note) == (id_, "10 are left")
    assert flag.seen == {
        "answer": "12",
        "outcome": "label_contradicted",
        "majority_answer": "10",
        "source": "words",
        "source_id": "tom",
    }
    for address in (f"/problem/{id_}", "/flags"):
        assert "10 are left" in client.get(address).text
    assert "1 problem" in client.get("/?flagged=1").text
    back = client.post("/withdraw", data={"form": "secret", "name": flag.name}, headers={"origin": ORIGIN})
    assert (back.status_code, read_flags(folder).open) == (303, ())


@pytest.mark.parametrize(
    ("path", "form", "told"),
    [
        ("/problem/ffffffffffffffff/flag", {"note": "x"}, "no problem"),
        ("/problem/..%2F..%2Fmanifest.json/flag", {"note": "x"}, "Not Found"),
        ("/withdraw", {"name": "../problems/00000.parquet"}, "no open flag"),
    ],
)
def test_a_form_for_nothing_writes_nothing(small: RunFolder, path: str, form: dict[str, str], told: str) -> None:
    before = small.list("", "")
    answer = browse(small).post(path, data=form | {"form": "secret"}, headers={"origin": ORIGIN})
    assert answer.status_code in (400, 404)
    assert told.lower() in answer.text.lower()
    assert small.list("", "") == before


def test_a_form_too_long_is_refused(small: RunFolder) -> None:
    id_ = tell_small_run()[0].row["id"]
    sent = {"form": "secret", "note": "x" * 40_000}
    assert browse(small).post(f"/problem/{id_}/flag", data=sent, headers={"origin": ORIGIN}).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/../manifest.json",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/problem/..%2f..%2fmanifest.json",
        "/problem/%00",
        "/problems/00000.parquet",
        "/manifest.json",
        "/flags/../manifest.json",
    ],
)
def test_no_path_leads_out_of_the_pages(small: RunFolder, path: str) -> None:
    answer = browse(small).get(path)
    assert answer.status_code == 404
    assert "embedded" not in answer.text


@pytest.mark.parametrize("path", ["/?sort=no", "/?page=x", "/?from=-1", "/problem/x?copy=y", "/problem/x?run=7"])
def test_a_bad_address_gets_a_page_that_says_so(small: RunFolder, path: str) -> None:
    answer = browse(small).get(path)
    assert answer.status_code == 400
    assert "cannot be shown" in answer.text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    tame, wild = lay_run(tmp_path / "tame", tell_sums(4)[3:]), lay_run(tmp_path / "wild", [tell_hostile()])
    for folder, told in ((tame, tell_sums(4)[3]), (wild, tell_hostile())):
        add_flag(folder, told.row["id"], str(told.statement), {"answer": told.answer, "source": told.source})
    for address in (
        "/",
        "/problem/{id}",
        "/flags",
        "/?q={text}",
        "/?source={text}",
        "/problem/{text}",
        "/?sort={text}",
    ):
        pages = []
        for folder, told in ((tame, tell_sums(4)[3]), (wild, tell_hostile())):
            params = address.partition("?")[2].replace("{text}", "")
            path = address.partition("?")[0].replace("{id}", told.row["id"])
            asked = {params.rstrip("="): str(told.statement)} if params else None
            path = path.replace("{text}", "%3Cscript%3Ealert(1)%3C%2Fscript%3E")
            answer = browse(folder).get(path, params=asked)
            pages.append(Page(answer.text))
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        tame_page, wild_page = pages
        assert wild_page.tags.count("script") == tame_page.tags.count("script") == 1
        assert "img" not in wild_page.tags
        figures = wild_page.attributes.count(("class", "rate")) + wild_page.attributes.count(("class", "bins"))
        assert wild_page.tags.count("svg") == figures
        assert not [name for name, _ in wild_page.attributes if name.startswith("on") or name == "style"]
        assert all(
            link.startswith(("/", "#", "?", "data:,")) and not link.startswith("//") for link in wild_page.links()
        )
    shown = Page(browse(wild).get(f"/problem/{tell_hostile().row['id']}").text)
    assert shown.text.count(HOSTILE[4:60]) >= 6, "statement, label and samples are there, as text"


def test_a_problem_opened_from_another_list_is_shown_all_the_same(small: RunFolder) -> None:
    id_ = tell_small_run()[24].row["id"]
    page = browse(small).get(f"/problem/{id_}?outcome=keep")
    assert page.status_code == 200
    assert "All problems" in page.text


def test_every_page_names_no_other_address(small: RunFolder) -> None:
    client = browse(small)
    id_ = tell_small_run()[3].row["id"]
    for path in ("/", f"/problem/{id_}", "/compare", "/flags", "/static/view.css", "/static/view.js"):
        text = client.get(path).text
        assert "http://" not in text
        assert "https://" not in text
        assert "url(" not in text


def test_next_walks_through_the_list_that_one_came_from(small: RunFolder) -> None:
    """The list that a problem was opened from is the one that `next` walks through."""
    client = browse(small)
    first = Page(client.get("/?source=sums&sort=hard").text)
    opened = next(link for link in first.links() if link.startswith("/problem/"))
    seen = []
    while opened:
        page = Page(client.get(opened).text)
        seen.append(opened.partition("?")[0])
        ways = dict.fromkeys(link for link in page.links() if link.startswith("/problem/") and "flag" not in link)
        opened = next((link for link in ways if link.partition("?")[0] not in seen), "")
    assert len(seen) == 24


def test_a_code_problem_is_shown_with_its_tests_and_solutions(tmp_path: Path) -> None:
    more = {
        "domain": "code",
        "code_language": "python",
        "tests": [{"id": f"t{n}", "input": f"{n}\n", "expected": f"{n * n}\n", "origin": "source"} for n in range(40)],
        "solutions": [{"id": "s1", "language": "python", "code": "print(int(input()) ** 2)"}],
        "checker": {"float_tolerance": 1e-6},
        "level": {"stars": 3},
    }
    program = "```python\nprint(int(input()) ** 2)\n```"
    told = Told("Print the square of a number.", None, extra=more, samples=[(program, None, "correct")] * 16)
    page = Page(browse(lay_run(tmp_path, [told])).get(f"/problem/{told.row['id']}").text).text
    for said in (
        "40 tests",
        "The first 20 of 40",
        "1 solution",
        "print(int(input()) ** 2)",
        "float tolerance: 1e-06",
        '"stars": 3',
    ):
        assert said in page
    assert "Label" not in page
    assert "no answer found" not in page


def test_an_empty_run_says_so(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.write_json("manifest.json", {})
    assert "No problem is in this run yet" in browse(folder).get("/").text
    assert "Nothing to compare" in browse(folder).get("/compare").text


def test_a_table_that_cannot_be_read_is_named_above_the_list(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, [Told("What is 1 + 1?", "2", samples=[("2", "2", "correct")] * 8)])
    folder.write_bytes("rejected/decide-00000.parquet", b"PAR1 cut")
    text = browse(folder).get("/").text
    assert "1 table cannot be read" in text
    assert "rejected/decide-00000.parquet" in text
