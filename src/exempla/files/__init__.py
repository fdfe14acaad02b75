"""Examples as files, both ways: JSONL, CSV and Parquet (docs/files.md)."""
