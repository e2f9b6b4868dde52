"""Datasets of Minari, imported as rollouts and exported from them; needs the extra `minari`."""

from worldvae.rollouts.minari.read import checked_import, import_dataset
from worldvae.rollouts.minari.write import Credits, export_dataset

__all__ = ["Credits", "checked_import", "export_dataset", "import_dataset"]
