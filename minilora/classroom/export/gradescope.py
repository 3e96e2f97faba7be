"""An autograder for Gradescope: the files to put into one zip file, with minilora's wheel beside them.

Before: an ``Exercise``. Gradescope runs ``setup.sh`` once, then ``run_autograder`` for each submission, and reads ``results/results.json``.
"""

import json
from collections.abc import Sequence

from ...version import VERSION
from ..exercise import Exercise

SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the autograder. A wheel in this folder is taken; otherwise pip looks for the release.
set -euo pipefail
cd "$(dirname "$0")"
apt-get update
apt-get install -y python3 python3-pip python3-venv
python3 -m venv /autograder/environment
wheel=$(ls minilora-*.whl 2>/dev/null || echo "minilora=={version}")
/autograder/environment/bin/pip install "$wheel"
"""

RUN = """#!/usr/bin/env bash
# Runs for each submission.
exec /autograder/environment/bin/python /autograder/source/autograde.py /autograder/submission /autograder/results
"""

AUTOGRADE = '''"""Mark one submission: python autograde.py SUBMISSION RESULTS"""

import json
import sys
from pathlib import Path

from minilora.classroom import find
from minilora.classroom.grade import marks_of

source = Path(__file__).parent
exercises = [find(name) for name in json.loads((source / "exercises.json").read_text())]
marks = marks_of(Path(sys.argv[1]), exercises, seed=1)

tests = []
for exercise in exercises:
    found = marks.get(exercise.name)
    for number, check in enumerate(exercise.checks):
        verdict = found.verdicts[number] if found else None
        tests.append(
            {
                "name": f"{exercise.name}: {check.name}",
                "score": verdict.points if verdict else 0,
                "max_score": check.points,
                "output": f"{verdict.found} {verdict.likely}".strip() if verdict else "Not handed in.",
                "visibility": "after_due_date" if check.hidden else "visible",
            }
        )
results = Path(sys.argv[2])
results.mkdir(parents=True, exist_ok=True)
(results / "results.json").write_text(json.dumps({"tests": tests}, indent=1))
'''


def gradescope_files(exercises: Sequence[Exercise]) -> dict[str, str]:
    """The files of the autograder."""
    return {
        "setup.sh": SETUP.format(version=VERSION),
        "run_autograder": RUN,
        "autograde.py": AUTOGRADE,
        "exercises.json": json.dumps([exercise.name for exercise in exercises], indent=1) + "\n",
    }
