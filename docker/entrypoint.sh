#!/bin/sh
# entrypoint web|worker|beat|migrate, or any manage.py command. Each replaces this shell, so it gets the signals.
set -eu

case "${1:-web}" in
web)
    exec gunicorn leadmagicx.wsgi:application --bind 0.0.0.0:8000 --preload --worker-class gthread \
        --workers "${WEB_PROCESSES:-2}" --threads "${WEB_THREADS:-8}" --timeout 60 --graceful-timeout 20 \
        --worker-tmp-dir /dev/shm --no-control-socket --log-level info
    ;;
worker)
    exec celery -A leadmagicx worker --concurrency "${WORKER_PROCESSES:-4}" --loglevel INFO \
        --without-gossip --without-mingle
    ;;
beat)
    # The schedule file only remembers when entries ran last; after a restart every entry is simply due anew.
    exec celery -A leadmagicx beat --loglevel WARNING --schedule /tmp/beat-schedule --pidfile ""
    ;;
migrate)
    exec python manage.py migrate --noinput
    ;;
*)
    exec python manage.py "$@"
    ;;
esac
