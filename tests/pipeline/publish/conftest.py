"""Runs for the tests of what is published; `report_runs` beside this file lays them out."""
