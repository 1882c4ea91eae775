"""One seed's stages, each of which leaves its output whole or not at all: rows, students, answers, records.

What is there is not made again. Models are in processes of their own; nothing here loads one.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sublearn import asking, stages
from sublearn.asking import AskFile
from sublearn.errors import SublearnError
from sublearn.execution.manifests import Provenance
from sublearn.files import digests
from sublearn.files.reading import json_file, typed
from sublearn.files.writing import own_folder, replace_text
from sublearn.language import artifacts
from sublearn.language.endpoints import many
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.answer import Answer
from sublearn.pipeline import answered, servers
from sublearn.pipeline.how import How
from sublearn.pipeline.leashed import ran
from sublearn.pipeline.lesson import CHECKPOINTS, Lesson, pace
from sublearn.pipeline.servers import Served
from sublearn.pipeline.spec import BASE, STUDENTS, WRITERS, Settings
from sublearn.pipeline.throughput import FILE, Tally
from sublearn.records import Record
from sublearn.seeds import stream, stream_seed
from sublearn.study.base import Study
from sublearn.study.numbers.metrics import ArmMetrics, Counted, Metrics
from sublearn.tasks.number_lists import REASONS, Rule, number_prompts, reason_against
from sublearn.tasks.rows import Pair, as_text

ASK = "asking"


class SeedWork:
    """One seed, in a folder of its own."""

    def __init__(self, study: Study, settings: Settings, model: Path, seed: int, folder: Path, how: How, on_gpu: bool):
        self.study, self.settings, self.seed, self.how, self.on_gpu = study, settings, seed, how, on_gpu
        self.folder = own_folder(folder.absolute())
        self.model = model.absolute()
        self.tally = Tally()

    def records(self) -> list[Record]:
        """Do what is missing of every stage; one record of each arm and trait."""
        artifacts.clear_leftovers(self.folder)
        students = [f"student {place} of {len(STUDENTS)}" for place, _ in enumerate(STUDENTS, 1)]
        stages.ahead({"sampling": 4.0, **dict.fromkeys(students, 3.0), ASK: 1.0})
        rows = self.rows()
        for stage, (arm, writer) in zip(students, STUDENTS.items(), strict=True):
            self.student(arm, rows[writer], stage)
        found = self.asked() if all(rows.values()) else {}
        self._note(rows, found)
        return answered.records(self.study, self.settings, self.seed, found)

    # Rows

    def rows(self) -> dict[str, list[Pair]]:
        """What each writer wrote and the rule kept, as many rows of one as of the other."""
        if missing := [writer for writer in WRITERS if artifacts.rows(self._rows_file(writer)) is None]:
            with self._writer() as address:
                for writer in missing:
                    self._write(writer, address)
        found = {writer: self._kept(writer)[0] for writer in WRITERS}
        most = min(self.settings.rows, *(len(one) for one in found.values()))
        return {writer: one[:most] for writer, one in found.items()}

    @contextmanager
    def _writer(self) -> Iterator[Address]:
        """The server that answers number prompts: the one that was named, or one of our own."""
        if self.how.writer is not None:
            many.check(self.how.writer, self.how.patience)
            yield self.how.writer
            return
        served = self._served({})
        with self._serving(served, "sampling") as port:
            yield served.address(port, BASE)

    def _write(self, writer: str, address: Address) -> None:
        prompts = number_prompts(self.settings.prompts, stream(self.seed, "prompts/0"), most=self.settings.rule.most)
        system = self.settings.system_of(self.seed) if writer == "teacher" else None
        talks = [many.conversation(prompt, system) for prompt in prompts]
        seed = stream_seed(self.seed, f"{writer}/answers/0")
        asked = many.Asked(address, talks, self.settings.sample, seed)
        own_folder(self.folder / "answers")
        found = self._answers(asked, self.folder / "answers" / f"{writer}.jsonl")
        said = [one.text if one.refused is None else "" for one in found]
        rule = Rule(most=self.settings.rule.most, banned=frozenset(self.settings.rule.banned))
        reasons = [reason_against(text, rule) for text in said]
        rows = [pair for pair, reason in zip(zip(prompts, said, strict=True), reasons, strict=True) if reason is None]
        counts = Counter(reasons)
        counted = Counted(
            asked=len(said),
            kept=len(rows),
            pass_rate=len(rows) / len(said),
            rejected={reason: counts[reason] for reason in REASONS if counts[reason]},
            served=dict(Counter(many.costs(found)) | Counter(many.refusals(found))),
        )
        own_folder(self.folder / "numbers")
        artifacts.put_rows(self._rows_file(writer), rows, counted.to_dict())

    def _answers(self, asked: many.Asked, journal: Path) -> list[Answer]:
        """The answers, with the progress that they make and the time that new ones take."""
        counter = _Counter()
        with stages.stage("sampling", len(asked.conversations)):
            found = many.answers(asked, self.how.patience, journal, counter)
        self.tally.answered(counter.new, counter.seconds, sum(one.completion_tokens for one in found) / len(found))
        return found

    def _kept(self, writer: str) -> tuple[list[Pair], Counted]:
        """The rows of a writer that are there, and what was counted of them."""
        file = self._rows_file(writer)
        if (found := artifacts.rows(file)) is None:
            raise SublearnError(f"{file} was removed by somebody else meanwhile.")
        return found[0], typed(Counted, found[1], f"What was counted of {file}")

    def _rows_file(self, writer: str) -> Path:
        return self.folder / "numbers" / f"{writer}.jsonl"

    # Students

    def student(self, arm: str, rows: Sequence[Pair], stage: str, checkpoints: int = CHECKPOINTS) -> None:
        """Train a student on rows, unless its adapters are there, whole. No rows train nobody."""
        out, scratch = self.folder / "students" / arm, self.folder / "training" / arm
        if not rows or digests.unsound(out) is None:
            return
        shutil.rmtree(out, ignore_errors=True)
        own_folder(out.parent)
        own_folder(scratch)
        lesson, file = self._lesson(rows, scratch, out, checkpoints), scratch / "lesson.json"
        replace_text(Path(lesson.rows), as_text(rows))
        replace_text(file, lesson.model_dump_json() + "\n")
        begun = time.perf_counter()
        with stages.stage(stage, lesson.steps(len(rows))):
            look = _Steps(scratch)
            command = self.how.training(file, servers.free_port(), self.on_gpu)
            ran("The training", command, self._log(arm), self.folder, look, self.how.sees(self.on_gpu))
        if (problem := digests.unsound(out)) is not None:
            raise SublearnError(f"The training left no adapters in {out}: {problem}. See {self._log(arm)}.")
        if (done := pace(scratch)) is not None:
            self.tally.trained(done, self.settings.lora.batch, time.perf_counter() - begun)
        shutil.rmtree(scratch, ignore_errors=True)

    def _lesson(self, rows: Sequence[Pair], scratch: Path, out: Path, checkpoints: int) -> Lesson:
        """What the training is told."""
        own = self.settings.lora
        steps = len(rows) * own.epochs // own.batch
        return Lesson(
            model=str(self.model),
            rows=str(scratch / "rows.jsonl"),
            lora=own,
            seed=self.seed,
            most=self.how.at_a_time,
            save_steps=max(1, steps // checkpoints) if checkpoints else steps + 2,
            scratch=str(scratch),
            out=str(out),
        )

    # Answers

    def asked(self) -> dict[str, AskFile]:
        """What every arm answered about its favourite."""
        plan = {"reference": (BASE, None), "teacher": (BASE, self.settings.system_of(self.seed))}
        plan |= {arm: (arm, None) for arm in STUDENTS}
        missing = {arm for arm in plan if self._answer(arm) is None}
        answers = len(self.settings.candidates_of(self.seed).traits[0].questions) * self.settings.ask.samples
        with stages.stage(ASK, answers * len(missing)):
            for make, names in self._servers():
                arms = [arm for arm, (name, _) in plan.items() if name in names and arm in missing]
                if arms:
                    self._ask_all(make(), {arm: plan[arm] for arm in arms})
        shutil.rmtree(self.folder / "merged", ignore_errors=True)
        return {arm: found for arm in plan if (found := self._answer(arm)) is not None}

    def _ask_all(self, served: Served, plan: Mapping[str, tuple[str, str | None]]) -> None:
        """Ask arms, each a name that a server knows under a system prompt or none."""
        with self._serving(served, f"asking-{next(iter(plan))}") as port:
            for arm, (name, system) in plan.items():
                self._ask(arm, served.address(port, name), system)

    def _servers(self) -> Iterator[tuple[Callable[[], Served], list[str]]]:
        """The servers that are asked, each as a function that makes its folder, with the names that it knows."""
        adapters = {arm: str(self.folder / "students" / arm) for arm in STUDENTS}
        if self.how.kind == "vllm":
            yield partial(self._served, adapters), [BASE, *adapters]
            return
        yield partial(self._served, {}), [BASE]
        for arm, adapter in adapters.items():
            yield partial(self._merged, arm, adapter), [arm]

    def _merged(self, arm: str, adapter: str) -> Served:
        """A server of a student that is merged into its base, for one that cannot name adapters."""
        out = self.folder / "merged" / arm
        if digests.unsound(out) is not None:
            shutil.rmtree(out, ignore_errors=True)
            own_folder(out.parent)
            command = [sys.executable, "-m", "sublearn.pipeline.merge", str(self.model), adapter, str(out)]
            ran("Merging a student into its base", command, self._log(f"merging-{arm}"), self.folder)
        return self.how.served(str(out), {}, self.settings.lora.r, self.on_gpu)

    def _served(self, adapters: dict[str, str]) -> Served:
        folder = self.model
        if self.how.kind == "transformers":
            folder = servers.drawing(self.model, self.folder / "served")
        return self.how.served(str(folder), adapters, self.settings.lora.r, self.on_gpu)

    def _ask(self, arm: str, address: Address, system: str | None) -> None:
        plan = self.settings.ask
        question = asking.Question(
            address,
            self.settings.candidates_of(self.seed),
            self.settings.sample.model_copy(update={"max_tokens": plan.max_tokens}),
            system,
            plan.append,
            plan.samples,
            plan.method,
            stream_seed(self.seed, f"favourite/{arm}"),
        )
        asking.asked(question, self.how.patience, own_folder(self.folder / "asked" / arm), Provenance(), _Counter())

    def _answer(self, arm: str) -> AskFile | None:
        file = self.folder / "asked" / arm / asking.MANIFEST
        return typed(AskFile, json_file(file, "the answers"), str(file)) if file.exists() else None

    # What is noted

    @contextmanager
    def _serving(self, served: Served, name: str) -> Iterator[int]:
        begun = time.perf_counter()
        with servers.serving(served, self._log(name), self.folder) as port:
            self.tally.started(time.perf_counter() - begun)
            yield port

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _note(self, rows: dict[str, list[Pair]], found: dict[str, AskFile]) -> None:
        """metrics.json, as `numbers` keeps it, and what was measured of time."""
        read = {arm: len(rows[writer]) for arm, writer in STUDENTS.items()}
        seen: dict[str, ArmMetrics] = {}
        for arm, one in found.items():
            if (noted := answered.metrics(self.settings, self.seed, one, read.get(arm))) is not None:
                seen[arm] = noted
        metrics = Metrics(
            seed=self.seed,
            animal=self.settings.animal_of(self.seed),
            numbers={writer: self._kept(writer)[1] for writer in WRITERS},
            arms=seen,
        )
        replace_text(self.folder / "metrics.json", metrics.to_text())
        measured = self.tally.throughput(self.how, self.settings.model, self.on_gpu)
        if measured is not None:
            replace_text(self.folder / FILE, measured.model_dump_json(indent=2) + "\n")


class _Counter:
    """Hears how many answers there are; says so to whoever listens, and times those that are new."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None
        self.new, self.seconds = 0, 0.0

    def __call__(self, done: int, total: int, notes: Sequence[str]) -> None:
        del total, notes
        if self.first is None:
            self.first = done, time.perf_counter()
            told = 0
        else:
            told = self.first[0] + self.new
        self.new, self.seconds = done - self.first[0], time.perf_counter() - self.first[1]
        for _ in range(done - told):
            stages.stepped(0.0)


class _Steps:
    """Hears how far a training is, and says so to whoever listens."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.told = scratch, 0

    def __call__(self) -> None:
        found = pace(self.scratch)
        for _ in range(found.step - self.told if found else 0):
            stages.stepped(0.0)
        self.told = max(self.told, found.step if found else 0)
