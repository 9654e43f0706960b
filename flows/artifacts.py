"""What a run leaves in Prefect's UI: the funnel and the histogram as pictures, the counts as a table."""

import base64
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from pipeline.run.layout import FUNNEL, PASS_RATES, REPORT
from pipeline.run.storage import RunFolder

PICTURES = {"funnel": FUNNEL, "pass-rates": PASS_RATES}


def publish_artifacts(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Show a finished run in Prefect: pictures inline, so that the UI needs nothing from the run's folder."""
    for key, name in PICTURES.items():
        if folder.exists(name):
            picture = base64.b64encode(folder.read_bytes(name)).decode()
            create_image_artifact(f"data:image/svg+xml;base64,{picture}", key=key, description=f"{folder.root}/{name}")
    rows = [
        {"stage": stage["stage"], "in": stage["in"], "kept": stage["kept"], "rejected": stage["rejected"]}
        | dict(stage["reasons"])
        for stage in manifest["stages"]
    ]
    create_table_artifact(rows, key="counts", description="Problems in, kept and rejected by stage and reason")
    create_markdown_artifact(f"`{folder.root}/{REPORT}` has the whole report.", key="report")
