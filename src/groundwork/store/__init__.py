"""Floor 1: what is kept. SQLite files in one folder, `.groundwork/`, each with one writer thread per process."""
