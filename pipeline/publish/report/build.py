"""Write report.html and its pictures from whatever a run's folder holds: just begun, killed half way, or finished."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.progress import track
from pipeline.publish.report import charts, formatting, passes, training
from pipeline.publish.report.files import draw_funnel_file, draw_rates_file
from pipeline.publish.report.formulas import draw_label, draw_text
from pipeline.publish.report.funnel import NARROW, WIDE, draw_funnel
from pipeline.publish.report.gather import Gathered, gather
from pipeline.publish.report.labels import draw_calibration, tell_witnesses
from pipeline.run.layout import FUNNEL, MANIFEST, PASS_RATES, REPORT
from pipeline.run.storage import RunFolder
from schemas.config import Config, Source
from schemas.reasons import KEEP, Verdict

COMPLETION = 6000
"""Characters of a completion shown: its beginning and its end. Sixteen of them stand under every example."""
STATEMENT = 8000
SOURCES = 40
"""Sources named in the table; the rest is summed up."""


def write_report(folder: RunFolder, config: Config | None = None) -> str:
    """Draw the run as one page that fetches nothing, and return its name; `funnel.svg` and `pass-rates.svg` stand
    beside it as files of their own.

    Settings come from `config`, else from manifest.json, else (a run without either) from the defaults.
    """
    manifest = folder.read_json(MANIFEST) if folder.exists(MANIFEST) else {}
    settings = config or read_config(manifest)
    with track("report", unit="", part=True):
        gathered = gather(folder, settings or _default_config(folder.root))
        folder.write_bytes(FUNNEL, draw_funnel_file(gathered.stages))
        folder.write_bytes(PASS_RATES, draw_rates_file(gathered.rates, (settings or _default_config(folder.root)).keep))
        folder.write_bytes(REPORT, render_page(gathered, settings, manifest, folder.root).encode("utf-8", "replace"))
    return REPORT


def read_config(manifest: dict[str, Any]) -> Config | None:
    """The config that a manifest holds; None where it has none, or one that this version cannot read."""
    try:
        return Config.model_validate(manifest["config"])
    except (KeyError, ValueError):
        return None


def render_page(gathered: Gathered, config: Config | None, manifest: dict[str, Any], root: str) -> str:
    """The page as HTML. Every text of a problem is escaped, and the page's policy allows no script but its own."""
    settings = config or _default_config(root)
    tokens = gathered.samples.tokens
    script = _read("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("pipeline.publish.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=formatting.count,
        brief=formatting.brief,
        span=formatting.span,
        plain=formatting.plain,
        tone=formatting.tone,
        meaning=formatting.meaning,
    )
    environment.globals.update(
        share=formatting.share,
        plural=formatting.plural,
        shorten=formatting.shorten,
        draw_text=draw_text,
        draw_label=draw_label,
        split=charts.draw_split,
    )
    return environment.get_template("report.jinja").render(
        run=gathered,
        title=settings.publish.title or _run_name(root),
        headline=say_headline(gathered),
        summary=say_summary(gathered),
        funnel=draw_funnel(gathered.stages, WIDE, "funnel"),
        funnel_narrow=draw_funnel(gathered.stages, NARROW, "funnel-narrow"),
        rates=charts.draw_rates(gathered.rates, settings.keep),
        rates_narrow=charts.draw_rates(gathered.rates, settings.keep, width=420, height=250),
        completions=charts.draw_mirror(
            ("correct", tokens[Verdict.CORRECT]), ("wrong", tokens[Verdict.WRONG]), "tokens"
        ),
        statements=charts.draw_mirror(
            ("kept", gathered.statements["kept"]), ("left out", gathered.statements["rejected"]), "characters"
        ),
        moved=passes.describe_moves(gathered.passes) if gathered.passes else [],
        passes_figure=passes.draw_passes(gathered.passes) if gathered.passes else "",
        training_figure=training.draw_training(gathered.training) if gathered.training else "",
        calibration=draw_calibration(gathered.labels.witnesses.calibration) if gathered.labels else "",
        tell_witnesses=tell_witnesses,
        guesses=manifest.get("guesses") or [],
        spent=count_cost(gathered, settings, manifest),
        reasons=list_reasons(gathered),
        outcomes=[outcome for outcome in (KEEP, *gathered.reasons) if gathered.examples.get(outcome)],
        settings=settings,
        known_config=config is not None,
        config_text=yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        if config
        else "",
        made=_tell_making(manifest, settings),
        digest=digest,
        script=Markup(script),
        style=Markup(_read("figures.css") + _read("style.css")),
        limits={"completion": COMPLETION, "statement": STATEMENT, "sources": SOURCES},
    )


def say_headline(gathered: Gathered) -> str:
    if not gathered.came:
        return "No problem has come in yet."
    if gathered.waiting == gathered.came:
        return f"{formatting.plural(gathered.came, 'problem')} in, none judged yet."
    kept = formatting.count(gathered.kept) if gathered.kept else "none"
    return f"{formatting.plural(gathered.came, 'problem')} in, {kept} kept."


def say_summary(gathered: Gathered) -> str:
    sentences = []
    reasons = gathered.reasons
    out = sum(reasons.values())
    if reasons:
        first = next(iter(reasons))
        why = formatting.meaning(first) or formatting.plain(first)
        often = f"for {len(reasons)} reasons, most often ({formatting.count(reasons[first])}) because {why}"
        most = often if len(reasons) > 1 else f"for one reason: {why}"
        sentences.append(f"{formatting.count(out)} {'was' if out == 1 else 'were'} left out {most}.")
    if gathered.waiting:
        wait = "waits" if gathered.waiting == 1 else "wait"
        sentences.append(f"{formatting.count(gathered.waiting)} still {wait}: the run is not finished.")
    return " ".join(sentences)


def list_reasons(gathered: Gathered) -> list[dict[str, Any]]:
    """Every reason with the stage that gave it, most frequent first."""
    rows = [
        {"reason": reason, "stage": stage.name, "problems": problems}
        for stage in gathered.stages
        for reason, problems in stage.rejected.items()
    ]
    return sorted(rows, key=lambda row: (-int(str(row["problems"])), str(row["reason"])))


def count_cost(gathered: Gathered, config: Config, manifest: dict[str, Any]) -> dict[str, Any]:
    """Samples, tokens and seconds; what the manifest does not say is counted from the samples or left out."""
    taken = gathered.samples.taken
    planned = (manifest.get("samples") or {}).get("planned") or gathered.rates.decided * config.sampling.n
    tokens = sum(side.total for side in gathered.samples.tokens.values())
    times = manifest.get("times") or {}
    seconds = times.get("sample")
    return {
        "taken": taken,
        "planned": planned,
        "saved": max(0, planned - taken) if gathered.rates.decided else 0,
        "otherwise": (manifest.get("samples") or {}).get("otherwise"),
        "first_steps": (manifest.get("samples") or {}).get("first_steps"),
        "tokens": tokens,
        "seconds": seconds,
        "speed": tokens / seconds if seconds and tokens else None,
        "times": times,
    }


def _tell_making(manifest: dict[str, Any], config: Config) -> dict[str, Any]:
    model = manifest.get("model") or {}
    return {
        "version": str(manifest.get("goldilocks") or ""),
        "created": str(manifest.get("created") or "")[:16].replace("T", " "),
        "model": str(model.get("name") or config.model.name),
        "revision": model.get("revision"),
        "versions": manifest.get("versions") or {},
    }


def _default_config(root: str) -> Config:
    return Config(run=root, sources=(Source(name="unknown", files=root),))


def _run_name(root: str) -> str:
    return root.rstrip("/").rpartition("/")[2] or root


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
