"""What the rows of a source are: recognised over its first rows, shown to whoever runs it, and applied to every row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.held import count_characters
from pipeline.ingest.recognize.answers import NAMES as ANSWER_NAMES
from pipeline.ingest.recognize.answers import AnswerReading, find_answer
from pipeline.ingest.recognize.code import CodeReading, find_code
from pipeline.ingest.recognize.options import OptionsReading, find_options
from pipeline.ingest.recognize.statements import StatementReading, find_statement
from pipeline.ingest.recognize.unnamed import counts_rows, name_by_content
from pipeline.ingest.recognize.values import Field, Row, find_fields, plain_name, reach
from pipeline.language import LANGUAGES, detect_language
from schemas.conform import WHERE, InvalidRow, write_json
from schemas.problem import PROBLEM_DTYPES

IDS = ("source_id", "id", "unique_id", "uuid", "problem_id", "question_id", "task_id", "qid", "ID", "idx")
"""Columns that name a row, the likeliest first."""
CHOICES = "options"
"""Where the screen looks for options in `extra`."""
LANGUAGE_ROWS, LANGUAGE_CHARACTERS = 64, 4000
"""Statements whose language is looked at, and how much of each; a set in two languages says so in a column."""
LOOKED_AT_CHARACTERS = 4 << 20
"""Of a row; larger ones are read as the others are, but tell nothing about the columns. The tests of a contest problem
are some megabytes."""


@dataclass(frozen=True)
class Reading:
    """How rows become problems: where each part stands and the share of the first rows that has it there."""

    statement: StatementReading
    answer: AnswerReading | None
    options: OptionsReading | None
    code: CodeReading | None
    language: str
    source_id: str | None

    def shape(self, row: Row) -> dict[str, Any]:
        """One row in the contract's names. Columns that nothing took stay, those of a contract name in `extra`.

        A row that cannot be read so is an `InvalidRow`.
        """
        if isinstance(row, InvalidRow):
            return row
        try:
            shaped = self.code.shape(row, self.statement) if self.code else None
            return self._shape_math(row) if shaped is None else self._complete(shaped, row)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            wrong = f"{row.get(WHERE)}: not in the form of the rows before it ({type(error).__name__}: {error})"
            return InvalidRow(wrong, {"raw": write_json(dict(row)), WHERE: row.get(WHERE)})

    def _complete(self, shaped: dict[str, Any], row: Row) -> dict[str, Any]:
        statement = shaped.get("statement")
        language = find_script(statement) or find_named_language(row.get(WHERE), statement)
        shaped["language"] = language or self.language
        if shaped.get("source_id") is None and self.source_id is not None and row.get(self.source_id) is not None:
            shaped["source_id"] = row[self.source_id]
        return shaped

    def _shape_math(self, row: Row) -> dict[str, Any]:
        answer = self.answer.read(row) if self.answer else None
        shaped: dict[str, Any] = {WHERE: row.get(WHERE), "domain": "math"}
        extra: dict[str, Any] = {}
        taken = set(self.statement.used)
        if self.answer and len(self.answer.path) == 1 and self.answer.how == "given" and not self.answer.turns:
            taken.add(self.answer.path[0])
        elif self.answer and self.answer.path == ("answer",):
            taken.add("answer")
            extra["solution"] = row.get("answer")
        if self.options:
            options = self.options.read(row)
            resolved = self.options.resolve(row, answer)
            if resolved != answer:
                extra["given_answer"] = answer
            answer = resolved
            if options is not None:
                taken.add(CHOICES)
                extra[CHOICES] = options
        for column, value in row.items():
            if column not in taken and column != WHERE and value is not None:
                (extra if column in PROBLEM_DTYPES else shaped)[column] = value
        shaped |= {"statement": self.statement.read(row), "answer": answer}
        if extra:
            shaped["extra"] = extra
        return self._complete(shaped, row)

    def describe(self) -> str:
        """One line: what was recognised, with the share of the first rows that fits."""
        parts = [f"statement: {self.statement.shown} ({self.statement.fit:.0%})"]
        if self.code:
            parts.append(f"{self.code.shown} ({self.code.fit:.0%})")
        if self.answer:
            parts.append(f"answer: {self.answer.shown} ({self.answer.fit:.0%})")
        if self.options:
            named = f", named by {self.options.naming}" if self.options.naming else ""
            parts.append(f"options: {self.options.shown} ({self.options.fit:.0%}{named})")
        return "; ".join(parts)


def recognise(rows: Sequence[Row]) -> Reading | None:
    """How the source that begins with `rows` is to be read, or None where no place holds statements."""
    rows = [row for row in rows if not isinstance(row, InvalidRow) and count_characters(row) <= LOOKED_AT_CHARACTERS]
    fields = find_fields(rows)
    statement = find_statement(fields)
    if statement is None:
        fields = name_by_content(fields)
        statement = find_statement(fields)
    if statement is None:
        return None
    taken = {statement.path} if not statement.turns else set()
    answer = find_answer(fields, taken)
    code = find_code(fields, rows, answer.path if answer is not None and answer.how == "given" else None)
    answer = None if code and code.only else answer
    labels = [reach(row, answer.path) if answer else None for row in rows]
    options = None if code and code.only else find_options(fields, rows, labels)
    names = {field.path[0]: None for field in fields}
    source_id = next((name for name in IDS if name in names), None)
    return Reading(statement, answer, options, code, _find_language([statement.read(row) for row in rows]), source_id)


_PATH_PARTS = re.compile(r"(?<![a-z0-9])[a-z]{2}(?![a-z0-9])")
_FILE_LANGUAGES = frozenset(LANGUAGES)
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
)


def find_script(statement: Any) -> str | None:
    """The language that a script gives away, as in a row of a set in two languages; None where none does."""
    if not isinstance(statement, str) or statement.isascii():
        return None
    return next((language for language, script in _SCRIPTS if len(script.findall(statement)) >= 4), None)


def find_named_language(where: Any, statement: Any) -> str | None:
    """The language that the path of a row's file names (`es/low.jsonl`, `mgsm_fr.tsv`) where the statement is in it: a
    set may have a file a language, and the first rows say only what the first file is in."""
    if not isinstance(where, str) or not isinstance(statement, str):
        return None
    near = "/".join(where.lower().rsplit("/", 2)[-2:])
    named = set(_PATH_PARTS.findall(near)) & _FILE_LANGUAGES
    language = detect_language(statement[:LANGUAGE_CHARACTERS]) if named else None
    return language if language in named else None


def _find_language(statements: Sequence[str | None]) -> str:
    """The language of most statements; English where they do not say."""
    languages = [detect_language(text[:LANGUAGE_CHARACTERS]) for text in statements[:LANGUAGE_ROWS] if text]
    known = [language for language in languages if language is not None]
    if not known:
        return "en"
    most = max(set(known), key=known.count)
    return most if known.count(most) > len(languages) / 2 else "en"


def suggest_columns(rows: Sequence[Row]) -> str | None:
    """The likely mapping of rows that no reading fits, as a config would say it; None where nothing looks like one."""
    rows = [row for row in rows if not isinstance(row, InvalidRow)]
    columns = {column: None for row in rows for column in row if column != WHERE}
    fields = [Field((column,), tuple(row.get(column) for row in rows)) for column in columns]
    texts = [(sum(len(v) for v in f.values if isinstance(v, str)), f) for f in fields]
    texts = [(size, field) for size, field in texts if size]
    if not texts:
        return None
    statement = max(texts, key=lambda pair: pair[0])[1]
    others = [
        field
        for field in fields
        if field is not statement
        and any(v is not None for v in field.values)
        and not (field.name in map(plain_name, IDS) or counts_rows(field))
    ]
    likely = sorted(others, key=lambda field: (-ANSWER_NAMES.get(field.name, 0.0), -len(set(map(str, field.values)))))
    answer = f", answer: {likely[0].shown}" if likely else ""
    return f"columns: {{statement: {statement.shown}{answer}}}"
