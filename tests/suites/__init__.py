"""Test suites written by others: run live, recorded, and replayed with their servers gone."""
