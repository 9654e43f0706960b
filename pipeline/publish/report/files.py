"""Figures as files of their own, with colours and background in them, light and dark: for a README, a wiki, Prefect."""

from importlib.resources import files

from markupsafe import Markup

from pipeline.publish.report.charts import draw_rates
from pipeline.publish.report.flow import Stage
from pipeline.publish.report.funnel import draw_funnel
from pipeline.publish.report.gather import Rates
from schemas.config import KeepConfig

MARGIN = 24
NAMESPACE = "http://www.w3.org/2000/svg"


def draw_funnel_file(stages: tuple[Stage, ...]) -> bytes:
    return _stand_alone(draw_funnel(stages) or _say("No problem has come in yet"))


def draw_rates_file(rates: Rates, keep: KeepConfig) -> bytes:
    return _stand_alone(draw_rates(rates, keep) if rates.counts else _say("No problem has been graded yet"))


def _say(text: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 960 120" role="img">\n<text x="480" y="64" text-anchor="middle">{}</text>\n</svg>'
    ).format(text)


def _stand_alone(figure: Markup) -> bytes:
    head, _, body = str(figure).partition("\n")
    before, box, after = head.partition('viewBox="')
    size, _, rest = after.partition('"')
    width, height = (float(part) + 2 * MARGIN for part in size.split()[2:])
    head = f'{before}{box}{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"{rest}'
    if "xmlns=" not in head:
        head = head.replace("<svg ", f'<svg xmlns="{NAMESPACE}" ', 1)
    style = files(__package__).joinpath("figures.css").read_text(encoding="utf-8")
    back = f'<rect class="paper" x="{-MARGIN}" y="{-MARGIN}" width="{width:.0f}" height="{height:.0f}" rx="10"/>'
    return f"{head}\n<style>{style}</style>\n{back}\n{body}\n".encode()
