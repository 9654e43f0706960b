"""Court: solutions, tests and each other, judged (Magistral paper, section 4.2, and beyond it).

    with Sandbox() as sandbox:
        kept, rejected = court(problems, CourtConfig(), sandbox)

Every solution runs on every test. Solutions are weighed by agreement, tests are kept, repaired by consensus or
dropped, tests that are lacking are made and judged the same way. `case.py` is the order of the hearing; its parts
have their rooms.
"""

from pipeline.court.court import STAGE, court
from pipeline.court.languages import ask_languages

__all__ = ["STAGE", "ask_languages", "court"]
