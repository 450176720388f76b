"""PostgreSQL, broker and stand-in for iCloud from wheels, for `make demo`, `manage.py` and the tests.

    demo ──► supervisor ──► web, worker, beat, stand-in       one session each, started again when one dies
      │
      └► environment ──► servers.attach() ──► keeper ──► PostgreSQL, Valkey
    manage.py ─┘              tests ─┘

Whoever uses the servers of a folder holds a shared lock in it. The keeper is the only one that starts and
stops them, and stops them as soon as nobody holds that lock: the kernel drops a lock with its process, so
not even kill -9 of the user leaves a server behind. Dead keepers take their servers along (Linux:
PR_SET_PDEATHSIG), and what was left anyway is found and stopped at the next start.
"""
