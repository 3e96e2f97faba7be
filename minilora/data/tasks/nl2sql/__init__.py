"""Questions about tables and the SQL that answers them, executed on SQLite; see ``task.py``."""
