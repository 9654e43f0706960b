"""Rows out of files, folders and archives in whatever form people keep them; a module a form."""

from pipeline.ingest.files.find import Place, find_files
from pipeline.ingest.files.read import read_files, read_packages, read_rows
from pipeline.ingest.files.trees import FolderTree

__all__ = ["FolderTree", "Place", "find_files", "read_files", "read_packages", "read_rows"]
