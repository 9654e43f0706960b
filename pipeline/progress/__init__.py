"""What is being done, how far it is and how long it will take.

    with track("dedup: compare", total=len(rows)) as work:
        for row in rows:
            work.advance()

Code of the pipeline reports its steps here and knows no screen. A command line opens a display
(`pipeline.progress.display`); without one nothing is shown.
"""

from pipeline.progress.steps import Work, advance, announce, here_total, is_shown, lend_screen, track

__all__ = ["Work", "advance", "announce", "here_total", "is_shown", "lend_screen", "track"]
