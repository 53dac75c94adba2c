"""Work is asked for by name: every name must be that of a task, and the workers that only fit people must stay light."""

import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from pav_site.celery import app
from pav_site.environment import BASE


def test_everything_that_is_asked_for_is_a_task_on_a_queue_that_is_worked():
    app.loader.import_default_modules()
    asked = re.findall(r'_send\("([\w.]+)", .*queue="(\w+)"\)', (BASE / "ratings" / "jobs.py").read_text())
    planned = [(entry["task"], entry["options"].get("queue", "refit")) for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    assert len(asked) == 4
    assert {task for task, _ in asked + planned} <= set(app.tasks)
    assert {queue for _, queue in asked + planned} == {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_a_worker_that_fits_raters_loads_no_torch(tmp_path: Path):
    look = "import django, sys; django.setup(); import personalize.tasks; print('torch' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "pav_site.settings", "PYTHONPATH": str(BASE), "PAV_VAR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True, text=True).stdout.strip() == "False"
