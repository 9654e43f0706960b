"""Solutions and tests checked against each other (Magistral paper, section 4.2, and beyond it).

    with Sandbox() as sandbox:
        kept, rejected = check_tests(problems, CodeTestsConfig(), sandbox)

Every solution runs on every test. Solutions are weighed by agreement, tests are kept, repaired by consensus or
dropped, tests that are lacking are made and judged the same way. `case.py` has the order of the steps, the other
modules a step each.
"""

from pipeline.code_tests.languages import ask_languages
from pipeline.code_tests.stage import STAGE, check_tests

__all__ = ["STAGE", "ask_languages", "check_tests"]
