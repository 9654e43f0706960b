"""Whether Python would import somebody else's folder under the name of one of our packages."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds this package and those that it needs, in a checkout and in site-packages alike."""
NEEDED = ("schemas", "pipeline")
"""The packages that are imported from here; a user's `trainer` or `flows` folder is in nobody's way."""


class HiddenPackageError(ImportError):
    """Another folder or file is imported under the name of a package of Goldilocks; the message names it."""


def check_hidden(root: Path = ROOT) -> None:
    """Raise HiddenPackageError where `schemas` or `pipeline` is not the one in `root`, imported already or not."""
    hiding = {name: place for name in NEEDED if (place := _locate(name)) and place != root / name}
    if not hiding:
        return
    places = " and ".join(str(place) for place in hiding.values())
    names = " and ".join(f"`{name}`" for name in hiding)
    verb, it = ("hides", "it") if len(hiding) == 1 else ("hide", "them")
    raise HiddenPackageError(
        f"{places} {verb} Goldilocks' own {names}: rename {it}, or move your script to a folder without {it}. "
        "Where your script imports nothing from its own folder, `python -P script.py` is enough",
        name=next(iter(hiding)),
    )


def _locate(name: str) -> Path | None:
    """The folder, or the file, that `import name` gives; None where there is none."""
    spec: ModuleSpec | None
    if (module := sys.modules.get(name)) is not None:
        spec, file = module.__spec__, module.__file__
    else:
        spec, file = find_spec(name), None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    place = folders[0] if folders else (spec and spec.origin) or file
    return Path(place).resolve() if place else None
