"""Long runs: killed at any moment, on damaged checkpoints and full disks, on a cluster that loses a worker."""

import dataclasses
import functools
import hashlib
import io
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_studies  # adds the study "tiny"
import torch
from collapse import chain, fresh, records, replace, running, studies, theory, worlds
from collapse.checkpoints import load_checkpoint, pack, unpack
from collapse.declarations import Arm, Study
from collapse.gaussian import Gaussian

TINY = studies.STUDIES["tiny"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the bytes of the records of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    studies.run("tiny", 1, folder / "work", folder)
    return (folder / "tiny.jsonl").read_bytes()


def finish(folder):
    """Run the study to its end on what there is, and return the bytes of its records."""
    studies.run("tiny", 1, folder / "work", folder)
    return (folder / "tiny.jsonl").read_bytes()


def checkpoints(folder):
    return sorted((folder / "work" / "tiny").glob("*.ckpt"))


def begin(folder):
    """Run the first chain of the study alone; return the path of its checkpoint."""
    studies.run_unit("tiny", "moments", 0, folder / "work", studies.resized(TINY, generations=15))
    return checkpoints(folder)[0]


def redo(folder):
    """Run the first chain to its end, and return its records."""
    studies.run("tiny", 1, folder / "work", folder, studies.resized(studies.STUDIES["tiny"], seeds=1, arms=["moments"]))
    return records.read("tiny", folder)


def with_tests_on_the_path():
    """Return the environment of a process that imports ``tiny_studies``."""
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent)])
    return {**os.environ, "PYTHONPATH": path}


def wait_for(happened, seconds=60):
    """Wait until something has happened, but not for ever."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"nothing happened in {seconds} seconds"
        time.sleep(0.002)


def first_chain(lines):
    return [row for row in map(json.loads, lines.splitlines()) if row["arm"] == "moments" and row["seed"] == 0]


def test_a_run_of_a_reader_leaves_torch_its_threads(tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        begin(tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_chain_computes_with_one_thread(tmp_path):
    seen, before = set(), torch.get_num_threads()
    study = dataclasses.replace(
        TINY, measure=lambda *arguments: seen.add(torch.get_num_threads()) or TINY.measure(*arguments))
    torch.set_num_threads(3)
    try:
        studies.run_unit("tiny", "moments", 0, tmp_path, studies.resized(study, generations=2))
    finally:
        torch.set_num_threads(before)
    assert seen == {1}


@pytest.fixture
def clock(monkeypatch):
    """Let a second pass at each look at the clock."""
    monkeypatch.setattr(running.time, "perf_counter", itertools.count(100.0).__next__)


def test_the_seconds_of_a_chain_are_those_of_all_its_runs(tmp_path, clock):
    for length in (5, 15, 40):
        study = studies.resized(TINY, generations=length)
        assert studies.run_unit("tiny", "moments", 0, tmp_path, study)[1] == length


@pytest.mark.parametrize("workers, left", [(1, "60 seconds"), (3, "20 seconds")])
def test_the_time_that_is_left_is_shared_by_the_workers(tmp_path, workers, left, clock, monkeypatch, capsys):
    monkeypatch.setattr(running.joblib, "effective_n_jobs", lambda workers: workers)
    monkeypatch.setattr(running.joblib, "Parallel", lambda **options: lambda jobs: (f(*a, **o) for f, a, o in jobs))
    study = studies.resized(TINY, generations=20, arms=["points", "moments"])  # 20 seconds for each of 4 chains
    studies.run("tiny", workers, tmp_path / "work", tmp_path, study)
    assert capsys.readouterr().out.splitlines()[0] == f"tiny: 1 of 4 chains, about {left} left"


# ---- killed --------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What stops a run as a signal does: nothing catches it."""


@pytest.mark.parametrize("seed", range(2))
def test_a_run_interrupted_anywhere_goes_on_to_the_same_bytes(tmp_path, seed, undisturbed, monkeypatch, capsys):
    saved, count = running.save_checkpoint, itertools.count(1)
    stops = set(np.random.default_rng(seed).choice(np.arange(1, 321), 16, replace=False).tolist())

    def save(*arguments):
        saved(*arguments)
        if next(count) in stops:
            raise Killed

    monkeypatch.setattr(running, "save_checkpoint", save)
    for _ in stops:
        with pytest.raises(Killed):
            finish(tmp_path)
    assert finish(tmp_path) == undisturbed
    assert next(count) == 321  # no generation was run twice
    assert capsys.readouterr().err == ""  # and no chain "starts again"


@pytest.mark.slow
def test_processes_killed_from_the_command_line(tmp_path, undisturbed):
    command = [sys.executable, "-m", "tiny_studies", "run", "tiny", "--workers", "2", "--into", str(tmp_path)]
    options = {"cwd": tmp_path, "start_new_session": True, "env": with_tests_on_the_path()}
    process = subprocess.Popen(command, **options)
    found = tmp_path / studies.WORK / "tiny"
    wait_for(lambda: process.poll() is not None or list(found.glob("*.ckpt")))
    os.killpg(process.pid, signal.SIGKILL)  # the workers are in its group
    assert process.wait() == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr
    assert "tiny: 8 of 8 chains, about 0 seconds left" in done.stdout
    assert (tmp_path / "tiny.jsonl").read_bytes() == undisturbed


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_ends_in_the_same_bytes(tmp_path, undisturbed):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                      local_directory=str(tmp_path / "dask")) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        killed = []
        watcher = threading.Thread(target=_kill_in_mid_run, args=(victim, tmp_path, killed), daemon=True)
        watcher.start()
        studies.run("tiny", 1, tmp_path / "work", tmp_path, cluster=cluster.scheduler_address)
        watcher.join(60)
        assert killed == [victim]
    assert (tmp_path / "tiny.jsonl").read_bytes() == undisturbed


def _kill_in_mid_run(pid, folder, killed):
    """Kill a worker process once both workers have begun a chain, and note it if the run was not yet over."""
    wait_for(lambda: len(checkpoints(folder)) >= 2)
    there = records.read("tiny", folder) if (folder / "tiny.jsonl").exists() else []
    os.kill(pid, signal.SIGKILL)
    if len({(row["arm"], row["seed"]) for row in there}) < TINY.seeds * len(TINY.arms):
        killed.append(pid)


@pytest.mark.slow
def test_a_cluster_whose_workers_share_a_process_is_refused(tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        with pytest.raises(ValueError, match="^cluster: start its workers with --nthreads 1"):
            studies.run("tiny", 1, tmp_path / "work", tmp_path, cluster=cluster.scheduler_address)


# ---- damaged checkpoints -------------------------------------------------------------------------------------------


def cut(raw):
    return raw[: len(raw) // 2]


def edited(raw):
    place = raw.index(b'"draw": 0.') + 10  # a digit of a number that was measured
    return raw[:place] + b"%d" % ((int(raw[place : place + 1]) + 1) % 10) + raw[place + 1 :]


def with_another_byte(raw):
    return raw[:-200] + bytes([raw[-200] ^ 1]) + raw[-199:]


def signed(payload):
    return hashlib.sha256(payload).hexdigest().encode() + payload


def foreign(raw):
    return signed(pickle.dumps({"identity": "tiny"}))


def of_another_setting(raw):
    state = torch.load(io.BytesIO(raw[64:]), weights_only=True)
    buffer = io.BytesIO()
    torch.save({**state, "identity": state["identity"].replace(", 30, ", ", 31, ")}, buffer)
    return signed(buffer.getvalue())


@pytest.mark.parametrize("damage, message", [
    (cut, "damaged"), (edited, "damaged"), (with_another_byte, "damaged"), (foreign, "damaged"),
    (lambda raw: b"", "damaged"), (lambda raw: raw[:64], "damaged"), (lambda raw: signed(b""), "damaged"),
    (lambda raw: signed(raw), "damaged"), (of_another_setting, "of another version or setting"),
])
def test_a_damaged_checkpoint_is_redone(tmp_path, damage, message, undisturbed, capsys):
    path = begin(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert redo(tmp_path) == first_chain(undisturbed)
    assert capsys.readouterr().err == f"{path.name}: {message}, this chain starts again\n"


def test_a_whole_checkpoint_is_used(tmp_path, undisturbed, capsys, monkeypatch):
    seen = []
    note = seen.append  # held instead of the list, which changes: then this would be another measure
    monkeypatch.setitem(studies.STUDIES, "tiny", dataclasses.replace(
        TINY, measure=lambda generation, *rest: note(generation.index) or TINY.measure(generation, *rest)))
    studies.run_unit("tiny", "moments", 0, tmp_path / "work", studies.resized(studies.STUDIES["tiny"], generations=15))
    assert redo(tmp_path) == first_chain(undisturbed)
    assert seen == list(range(40)) and capsys.readouterr().err == ""


class Trap:
    """A pickled object that would leave a file behind if it were loaded."""

    def __reduce__(self):
        return (os.mkdir, ("sprung",))


def test_nothing_foreign_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = begin(tmp_path)
    buffer = io.BytesIO()
    torch.save({"identity": "tiny", "rows": Trap()}, buffer)
    path.write_bytes(signed(buffer.getvalue()))
    assert load_checkpoint(path, "tiny") is None
    assert not (tmp_path / "sprung").exists()


def test_what_a_killed_writer_left_does_no_harm(tmp_path, undisturbed):
    path = begin(tmp_path)
    path.with_suffix(".123.tmp").write_bytes(path.read_bytes()[:100])
    assert redo(tmp_path) == first_chain(undisturbed)


@pytest.mark.parametrize("before, after", [
    ((Gaussian(), fresh(0.9)), (Gaussian(), replace)), ((Gaussian(), fresh(0.1)), (Gaussian(), fresh(0.2))),
    ((Gaussian(), replace), (Gaussian(ddof=1), replace)),
])
def test_a_study_with_another_model_mix_or_step_does_not_go_on_from_the_old_one(tmp_path, before, after, capsys):
    first, other = (dataclasses.replace(TINY, arms={"points": Arm(*what, generations=4, world=tiny_studies.points)})
                    for what in (before, after))
    studies.run_unit("tiny", "points", 0, tmp_path / "work", first)
    fresh_run = studies.run_unit("tiny", "points", 0, tmp_path / "elsewhere", other)[0]
    assert studies.run_unit("tiny", "points", 0, tmp_path / "work", other)[0] == fresh_run
    assert "another version or setting" in capsys.readouterr().err
    seldom = dataclasses.replace(other, every=2)
    assert [row["generation"] for row in studies.run_unit("tiny", "points", 0, tmp_path / "work", seldom)[0]] == [0, 2]


def test_one_chain_without_an_axis_and_a_measure_of_numpy_numbers_go_on(tmp_path, capsys):
    def measure(generation, first, world, rng):
        return {"std": np.sqrt(generation.model.variance), "index": np.int64(generation.index), "two": np.ones(2)}

    study = Study(arms={"one": Arm(Gaussian(), replace, generations=6)}, measure=measure, n=20, seeds=1,
                  world=lambda seed: worlds.World(Gaussian()))
    whole = studies.run_unit("one", "one", 0, tmp_path / "whole", study)[0]
    studies.run_unit("one", "one", 0, tmp_path / "cut", studies.resized(study, generations=3))
    again = studies.run_unit("one", "one", 0, tmp_path / "cut", study)[0]
    again, whole = (json.dumps(rows, default=lambda value: np.asarray(value).tolist()) for rows in (again, whole))
    assert again == whole
    assert capsys.readouterr().err == ""


# ---- folders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["work", "records"])
def test_a_read_only_folder_is_named_before_anything_is_run(which):
    with tempfile.TemporaryDirectory() as top:  # not tmp_path: that is closed to others
        os.chmod(top, 0o755)
        places = {"work": Path(top, "work"), "records": Path(top, "records")}
        for name, place in places.items():
            place.mkdir()
            place.chmod(0o555 if name == which else 0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # root may write anywhere
        try:
            with pytest.raises(OSError, match="cannot write here: Permission denied") as error:
                studies.run("tiny", 1, places["work"], places["records"])
        finally:
            os.seteuid(user)
        assert which in error.value.filename
        assert not list(places["records"].iterdir()) and not list(places["work"].glob("*/*.ckpt"))


LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import tiny_studies
tiny_studies.studies.main()
"""


def test_a_full_disk_is_named_and_the_run_goes_on_later(tmp_path, undisturbed):
    studies.run_unit("tiny", "points", 0, tmp_path / "first", studies.resized(TINY, generations=1))
    (first,) = (tmp_path / "first" / "tiny").iterdir()
    limit = str(first.stat().st_size * 3 // 2)  # the pool of "points" fits, its rows soon do not
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, limit, "run", "tiny", "--workers", "1", "--into", str(tmp_path / "limited")],
        cwd=tmp_path, env=with_tests_on_the_path(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("studies: ") and "checkpoint not written: File too large" in done.stderr
    assert "give the same command again" in done.stderr
    left = list((tmp_path / studies.WORK / "tiny").iterdir())
    assert left and all(path.suffix == ".ckpt" for path in left)
    (tmp_path / studies.WORK).rename(tmp_path / "work")
    assert finish(tmp_path) == undisturbed


# ---- sizes, and the command line -----------------------------------------------------------------------------------


def test_a_shorter_run_is_the_beginning_of_the_long_one(tmp_path, undisturbed):
    study = studies.resized(TINY, seeds=1, generations=12, arms=["counts"])
    studies.run("tiny", 1, tmp_path / "work", tmp_path, study)
    rows = records.read("tiny", tmp_path)
    whole = [json.loads(line) for line in undisturbed.splitlines()]
    assert rows == [r for r in whole if r["arm"] == "counts" and r["seed"] == 0 and r["generation"] < 12]
    assert finish(tmp_path) == undisturbed  # and its checkpoint goes on to the full length
    studies.run("tiny", 1, tmp_path / "work", tmp_path, study)  # and back; the other chains stay
    after = records.read("tiny", tmp_path)
    assert [r for r in after if (r["arm"], r["seed"]) == ("counts", 0)] == rows
    assert [r for r in whole if (r["arm"], r["seed"]) != ("counts", 0)] == after[len(rows):]


@pytest.mark.parametrize("call, message", [
    (lambda f: studies.run("tinny", work=f, folder=f), "name: .*'gaussian' or .*, not 'tinny'"),
    (lambda f: studies.run_unit("tinny", "counts", 0, f), "name: .*, not 'tinny'"),
    (lambda f: studies.run_unit("tiny", "conts", 0, f),
     "arm_name: 'moments' or 'points' or 'finite' or 'counts', not 'conts'"),
    (lambda f: studies.run_unit("tiny", "counts", -1, f), "seed: a whole number of at least 0, not -1"),
])
def test_what_there_is_not_is_named(tmp_path, call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options, message", [
    ({"arms": ["counts", "conts"]}, "arms: no conts; there are moments; points; finite; counts"),
    ({"device": "cuda"}, "device: Gaussian runs on the CPU only"),
    ({"generations": 0}, "generations: a whole number of at least 1"),
    ({"seeds": 0}, "seeds: a whole number of at least 1"),
])
def test_impossible_sizes_are_named(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        studies.resized(TINY, **options)


def test_what_has_no_device_runs_on_the_cpu():
    assert studies.resized(TINY, device="cpu") == TINY


def blob(variance, seed):
    return Gaussian(0.0, variance)


def held(value):
    def world(seed):
        return value
    return world


def by_default(seed, variance=1.0):
    return variance


def other_default(seed, variance=2.0):
    return variance


other_default.__qualname__ = by_default.__qualname__


def by_name(seed, *, variance=1.0):
    return variance


def by_other_name(seed, *, variance=2.0):
    return variance


by_other_name.__qualname__ = by_name.__qualname__


@pytest.mark.parametrize("one, other", [
    (functools.partial(blob, 1.0), functools.partial(blob, 100.0)), (held((1.0,)), held((100.0,))),
    (functools.partial(blob, variance=1.0), functools.partial(blob, variance=2.0)), (by_default, other_default),
    (held(np.zeros(2000)), held(np.arange(2000) == 1000)), (held(None), held(0)), (fresh(0.1), fresh(0.2)),
    (by_name, by_other_name), (held(lambda x: x), held(lambda x: -x)), (held(lambda x: x + 1), held(lambda x: x + 2)),
])
def test_a_checkpoint_knows_what_its_functions_hold(one, other):
    assert running._told(one) != running._told(other)


def test_what_is_built_alike_is_told_alike():
    def again(x):
        return x and again(x - 1)  # holds itself

    for build in (lambda: held(np.zeros(2000)), lambda: functools.partial(blob, variance=1.0), lambda: fresh(0.1),
                  lambda: held(held((1, "a"))), lambda: again):
        assert running._told(build()) == running._told(build())
    for study in studies.STUDIES.values():
        parts = [study.world, study.measure, *(arm.mix for arm in study.arms.values())]
        assert " at 0x" not in "".join(map(running._told, parts))


def test_seconds_of_several_chains_stay_with_their_record(tmp_path):
    rows = [{"arm": arm, "seed": 0, "generation": 0} for arm in "ab"]
    records.write("x", rows, {"seconds": {"all chains": 5, "a, seed 0": 2, "b, seed 0": 3, "c, seed 0": 4}}, tmp_path)
    kept, spent = running._kept("x", [("b", 0)], {}, tmp_path)
    assert kept == rows[:1] and spent == {"all chains": 5, "a, seed 0": 2}


def test_another_size_leaves_the_records_of_the_book_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records, "FOLDER", tmp_path / "book")
    studies.main(["run", "tiny", "--workers", "1", "--seeds", "1", "--generations", "5"])
    assert not (tmp_path / "book").exists()
    assert len(records.read("tiny", tmp_path / studies.WORK)) == 20
    studies.main(["status"])
    assert "0 of 320 logged generations recorded; 4 checkpoints here" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="studies: arms: no x"):
        studies.main(["run", "tiny", "--arms", "x"])
    with pytest.raises(SystemExit):
        studies.main(["run"])
    assert "run which study?" in capsys.readouterr().err


# ---- parts of a study ----------------------------------------------------------------------------------------------


def run_part(folder, **part):
    studies.run("tiny", 1, folder / "work", folder, studies.resized(TINY, **part))


def test_parts_run_one_after_the_other_are_the_whole(tmp_path, undisturbed):
    run_part(tmp_path, arms=["counts"])
    run_part(tmp_path, arms=["points", "finite", "moments"], seeds=1)
    run_part(tmp_path, arms=["points", "finite", "moments"])
    assert (tmp_path / "tiny.jsonl").read_bytes() == undisturbed
    seconds = records.provenance("tiny", tmp_path)["seconds"]
    assert list(seconds) == [f"{arm}, seed {seed}" for arm in sorted(TINY.arms) for seed in (0, 1)]


def test_chains_made_with_something_else_are_not_mixed(tmp_path):
    run_part(tmp_path, arms=["counts"])
    about = records.provenance("tiny", tmp_path)
    records.write("tiny", records.read("tiny", tmp_path), about | {"torch": "1.0", "n": 7}, tmp_path)
    before = (tmp_path / "tiny.jsonl").read_bytes()
    with pytest.raises(ValueError, match="^folder: .* were made with another n and torch; run them all again"):
        run_part(tmp_path, arms=["points"])
    assert (tmp_path / "tiny.jsonl").read_bytes() == before
    run_part(tmp_path, arms=["counts"])  # nothing of the old run is left
    assert records.provenance("tiny", tmp_path)["n"] == TINY.n


def test_the_provenance_names_the_device():
    study = studies.resized(studies.STUDIES["convolutional"], device="cuda")
    about = running.provenance(dataclasses.replace(study, about=dict))
    assert about["device"] == "cuda, one thread a chain"


@pytest.mark.parametrize("name, device", [("gaussian", None), ("vae", "cuda"), ("transformer", "cuda")])
def test_a_gpu_is_used_where_there_is_one_and_the_models_can(name, device, monkeypatch):
    assert studies.best_device(studies.STUDIES[name]) is None or torch.cuda.is_available()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert studies.best_device(studies.STUDIES[name]) == device


# ---- the cheap studies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, arms", [
    ("gaussian", ["replace, N = 10, ddof 1", "accumulate", "10% redrawn"]), ("categorical", ["replace", "10% frozen"])])
def test_part_of_a_cheap_study_repeats(tmp_path, name, arms):
    """The first three logged generations again; another machine's numpy may differ in the last digits."""
    studies.run(name, 1, tmp_path / "work", tmp_path, studies.resized(studies.STUDIES[name], generations=21, arms=arms))
    again = records.read(name, tmp_path)
    stored = {tuple(r[k] for k in records.KEY): r for r in records.read(name)}
    assert len(again) == 3 * len(arms)
    for row in again:
        expected = stored[tuple(row[k] for k in records.KEY)]
        assert row.keys() == expected.keys()
        for key in row.keys() - {"arm"}:
            assert np.allclose(row[key], expected[key], rtol=1e-4, atol=1e-9), (row["arm"], row["generation"], key)


@pytest.mark.parametrize("name", ["gaussian", "categorical"])
def test_the_cheap_records_are_complete(name):
    study, rows = studies.STUDIES[name], records.read(name)
    assert {row["arm"] for row in rows} == set(study.arms)
    for key, arm in study.arms.items():
        assert [row["generation"] for row in rows if row["arm"] == key] == list(study.logged(arm))
    about = records.provenance(name)
    assert about["chains"] == worlds.MANY >= 1000 and tuple(about["quantiles"]) == worlds.LEVELS


def recorded(name, arm, metric, generation):
    """Return mean and standard error of a record."""
    return records.curves(records.read(name), arm, metric)[0][generation // studies.STUDIES[name].every]


@pytest.mark.parametrize("n, generation", [(10, 20), (30, 60), (100, 200), (500, 1000)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_gaussian_records_agree_with_theory(n, generation, ddof):
    arm, t = f"replace, N = {n}, ddof {ddof}", generation + 1
    mean, error = recorded("gaussian", arm, "log_variance_mean", generation)
    assert abs(mean - t * theory.log_variance_drift(n, ddof)) < 4 * error
    for start in (0, 10):  # early enough for means, which later live in rare chains
        for metric, expected in (("variance_mean", theory.mean_variance(start + 1, n, ddof)),
                                 ("std_mean", theory.std_factor(n, ddof) ** (start + 1))):
            mean, error = recorded("gaussian", arm, metric, start)
            assert abs(mean - expected) < 4 * error
        mean, error = recorded("gaussian", arm, "w2_mean", start)
        assert n < 30 or abs(mean - theory.wasserstein2(start + 1, n, ddof)) < 4 * error


LAWS = {
    "accumulate": lambda t: theory.kept_accumulate(t, 100), "fixed budget": lambda t: theory.kept_fixed_budget(t, 100),
    "10% fresh": lambda t: theory.kept_fresh(t, 100, 0.1), "10% redrawn": lambda t: theory.kept_redrawn(t, 100, 0.1),
    "10% frozen": lambda t: theory.kept_frozen(t, 100, 0.1), "replace": lambda t: theory.diversity(t, 100),
}


@pytest.mark.parametrize("arm", [arm for arm in LAWS if arm in studies.STUDIES["gaussian"].arms])
@pytest.mark.parametrize("generation", [0, 50, 300])
def test_gaussian_remedies_agree_with_theory(arm, generation):
    mean, error = recorded("gaussian", arm, "variance_mean", generation)
    assert abs(mean - LAWS[arm](generation + 1)) < 4 * error


@pytest.mark.parametrize("arm", LAWS)
@pytest.mark.parametrize("generation", [0, 50, 200])
def test_categorical_records_agree_with_theory(arm, generation):
    mean, error = recorded("categorical", arm, "diversity_mean", generation)
    assert abs(mean - 0.99 * LAWS[arm](generation + 1)) < 4 * error


def test_kinds_die_as_in_theory():
    for generation in (0, 50, 200):
        mean, error = recorded("categorical", "replace", "alive_mean", generation)
        assert abs(mean - 100 * theory.survival([0.01], 100, generation + 1)[-1, 0]) < 4 * error


def test_a_pool_of_moments_comes_back(tmp_path):
    study = studies.STUDIES["gaussian"]
    arm = study.arms["accumulate"]
    generation = next(chain(arm.model, study.world(0).source, mix=arm.mix, n=100, rng=np.random.default_rng(0)))
    for value in (generation.pool, generation.model):
        back = unpack(pack(value), arm.model)
        assert type(back) is type(value) and repr(back) == repr(value)


# ---- chapter 7 ----------------------------------------------------------------------------------------------


def test_what_chapter_7_says_of_two_records_beside_its_table():
    assert records.curves(records.read("mixture"), "one blob, 1e-6", "l2")[0][-1].max() < 536
    ours, stream = (np.median(records.curves(records.read("vae"), arm, "latent_std"), axis=0)
                    for arm in ("replace, means", "stream, means"))
    assert abs(stream[:8] - ours[:8]).max() < 0.03  # fresh images for every batch are not the reason
