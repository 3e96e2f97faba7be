"""``minilora exercise``: the exercises of the tutorials, for students and for those who mark them. Each command calls one function of ``classroom``.

``student.py`` hands out, hints and shows solutions; ``listing.py`` lists; ``checking.py`` checks, once or whenever a file is saved; ``demo.py`` trains with what a student wrote,
by ``parts.py``; ``teacher.py`` marks a class and writes for other grading programs.
"""

import click

from .checking import check_command, watch_command
from .demo import demo_command
from .listing import list_command
from .student import hint_command, reset_command, solution_command, start_command
from .teacher import export_command, grade_command


@click.group("exercise")
def command() -> None:
    """Exercises: build the parts of this program yourself, and have them checked.

    \b
    Examples:
      minilora exercise start my-exercises
      minilora exercise check softmax --in my-exercises
      minilora exercise hint softmax --in my-exercises
    """


for each in (
    list_command,
    start_command,
    check_command,
    watch_command,
    hint_command,
    solution_command,
    reset_command,
    demo_command,
    grade_command,
    export_command,
):
    command.add_command(each)
