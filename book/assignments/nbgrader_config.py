"""How nbgrader releases and grades this course; `make coursework` copies it beside the assignments.

Five things differ from nbgrader's defaults: deleted test cells come back, copies of cells do no harm, a warning
costs no points, a submission has a budget of time in all besides the limit of a cell, and output beyond a limit is
dropped while it is written.
"""

import os
import time

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

c = get_config()  # noqa: F821  (nbgrader defines it)
CELL_SECONDS = int(os.environ.get("GRADING_CELL_SECONDS", 60))
NOTEBOOK_SECONDS = int(os.environ.get("GRADING_NOTEBOOK_SECONDS", 300))
CELL_BYTES = 100_000


class RestoreCells(OverwriteCells):
    """Restore the cells of the assignment, and let a copy, or a cell of another assignment, be the student's own."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if "grade_id" not in cell.metadata.get("nbgrader", {}):
            cell.metadata.pop("nbgrader", None)  # what is left of it ends nbgrader with a KeyError
        return cell, resources


class BoundedExecute(Execute):
    """Execute a submission with a budget of time, and keep no more of a cell's output than anybody reads."""

    def preprocess(self, nb, resources, km=None):
        self.ends, self.written = time.monotonic() + NOTEBOOK_SECONDS, {}
        return super().preprocess(nb, resources, km)

    def _get_timeout(self, cell):
        # A loop that catches the interrupt holds up every cell behind it: then each waits one second.
        return int(max(1, min(CELL_SECONDS, self.ends - time.monotonic())))

    def output(self, outs, msg, display_id, cell_index):
        """Drop what is over the limit, but never an error: the marks depend on it."""
        if msg["content"].get("name") == "stderr":
            msg["content"]["name"] = "stdout"  # a warning is no failure, and nbgrader takes all points for it
        before = self.written.get(cell_index, 0)
        self.written[cell_index] = before + len(str(msg["content"]))
        if msg["msg_type"] == "error" or self.written[cell_index] <= CELL_BYTES:
            return super().output(outs, msg, display_id, cell_index)
        if before <= CELL_BYTES:
            msg["content"] = {"name": "stdout", "text": "... output truncated ...\n"}
            msg["msg_type"] = msg["header"]["msg_type"] = "stream"
            return super().output(outs, msg, display_id, cell_index)
        return None


c.CourseDirectory.course_id = "model-collapse"
c.OverwriteCells.add_missing_cells = True
c.LimitOutput.max_lines = 200
c.Execute.raise_on_iopub_timeout = False  # a flood of output may outlive its cell
c.Autograde.sanitize_preprocessors = [
    ClearOutput, DeduplicateIds, OverwriteKernelspec, RestoreCells, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [
    BoundedExecute, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
