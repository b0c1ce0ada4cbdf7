"""Backups: all tables as they were at one moment, as Parquet by month, and an empty installation filled from one.

A backup is a folder: `manifest.json`, and the files that it names with their sums. Files are named for what is in them,
so the next backup into the folder writes only what is not there. The manifest is put in place last.
"""
