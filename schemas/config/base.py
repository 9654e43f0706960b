"""What every section of a config is."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen, and no key that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
