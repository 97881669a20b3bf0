"""The replayer of transcripts. run.py is its command line, README.md describes the formats."""
