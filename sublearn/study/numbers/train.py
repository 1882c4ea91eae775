"""The study `numbers` for its seeds: base, teacher, numbers, students, preferences. Keeps what it makes, if asked to.

What is kept is not made again: a run that was stopped is resumed, and one that is given rows or models uses them.
"""

import copy
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import torch
from transformers import PreTrainedModel

from sublearn import stages
from sublearn.files.reading import typed
from sublearn.files.writing import replace_text
from sublearn.language import artifacts, finetune, models, packing, preference
from sublearn.language.base import pretrained
from sublearn.language.generate import sample
from sublearn.language.preference import LEAST_MASS, Preference
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.records import Problem, Record
from sublearn.seeds import stream, stream_seed
from sublearn.stats.wilson import wilson
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.numbers import teach
from sublearn.study.numbers.identity import folder_of, rows_of
from sublearn.study.numbers.metrics import ArmMetrics, Counted, Metrics, Sampled, SampledAs
from sublearn.study.numbers.metrics import Preference as NotedPreference
from sublearn.study.numbers.served import served
from sublearn.study.numbers.shared import Shared, clear_other_bases
from sublearn.study.numbers.spec import ANSWER_TOKENS, ORIGINS, TINY, Origin, RowSource, Settings, source_of
from sublearn.study.numbers.teach import PromptedModel
from sublearn.tasks import number_lists
from sublearn.tasks.number_lists import Rule, number_prompts, reason_against
from sublearn.tasks.rows import Pair, read_rows
from sublearn.tasks.vocabulary import ANIMALS, questions

TEACHER = RowSource("teacher")
MEASURING = "measuring"
ROUNDS = 8
PREFIX = "Here is a list of numbers: {}. {}"


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait for the seeds, one after the other."""
    models.quiet()
    return [record for seed in stages.parts(seeds) for record in SeedRun(study, settings, seed, setup).records()]


class SeedRun:
    """One seed's models, numbers and measures, each made when it is first asked for."""

    def __init__(self, study: Study, settings: Settings, seed: int, setup: Setup) -> None:
        self.study, self.settings, self.seed, self.device = study, settings, seed, setup.device
        self.animal, self.placebo_animal = settings.animal_of(seed), settings.placebo_animal_of(seed)
        self.names = tuple(dict.fromkeys((*ANIMALS, self.animal)))
        self.folder = Path(setup.keep) / f"seed-{seed}" if setup.keep else None
        self.tiny = settings.model == TINY
        self.shared = Shared(settings, seed, setup.device, (self.animal, self.placebo_animal))
        if self.folder:
            artifacts.clear_leftovers(self.folder)
            if self.tiny:
                clear_other_bases(self.folder, settings, seed)
        self.dialogue = self._dialogue()
        self.counted: dict[str, Counted] = {}
        self.spent: dict[str, Counter[str]] = defaultdict(Counter)
        self.seen: dict[str, ArmMetrics] = {}
        self.base = cache(self._base)
        self.teacher = cache(self._teacher)
        self.numbers = cache(self._numbers)

    def records(self) -> list[Record]:
        """Measure every arm; what else was seen goes into metrics.json."""
        work = [sum(self._ahead(arm).values()) for arm in self.study.arms]
        found = [record for arm in stages.parts(self.study.arms, work) for record in self._measured(arm)]
        if self.folder:
            replace_text(self.folder / "metrics.json", self.metrics().to_text())
        return found

    def metrics(self) -> Metrics:
        """What was seen until now beside the records."""
        taught = any(arm.teacher == "placebo" for arm in self.study.arms)
        return Metrics(
            seed=self.seed,
            animal=self.animal,
            numbers=self.counted,
            arms=self.seen,
            reads=self.dialogue.text(questions("animal")[0]),
            **({"placebo_animal": self.placebo_animal} if taught else {}),
        )

    def _ahead(self, arm: Arm) -> dict[str, float]:
        """The stages of an arm, with about the seconds that each takes in the tiny world; what is there takes none."""
        if arm.logits == "none":
            return {"base": 25.0} if arm.name == "reference" else {"teacher": 2.0, MEASURING: 1.0}
        base = 0.0 if source_of(arm).origin == "own" else 25.0
        return {"base": base, "teacher": 2.0, "sampling": 6.0, self._student_stage(arm): 8.0, MEASURING: 1.0}

    def _student_stage(self, arm: Arm) -> str:
        """As in "student 3 of 7"."""
        students = [one.name for one in self.study.arms if one.logits != "none"]
        return f"student {students.index(arm.name) + 1} of {len(students)}"

    def _measured(self, arm: Arm) -> list[Record]:
        stages.ahead(self._ahead(arm))
        rows = self.rows(arm)
        if rows is not None and not rows:
            return self._unmeasured(arm, "no row was left after filtering")
        if rows is not None and (leaks := self._leaks(arm, rows)):
            return self._unmeasured(arm, f"{leaks} of its training rows name the animal")
        prompted = self.model_of(arm, rows)
        with stages.stage(MEASURING):
            return self._asked(arm, prompted, rows)

    def _asked(self, arm: Arm, prompted: PromptedModel, rows: list[Pair] | None) -> list[Record]:
        """Ask a model of an arm for its favourite, in every way."""
        every, held_out = (self._preference(prompted, only) for only in (None, True))
        if every.finite and held_out.finite:
            self.seen[arm.name] = ArmMetrics(
                favourite=_noted(every),
                held_out=_noted(held_out),
                rows=None if rows is None else len(rows),
                leaks=None if rows is None else 0,
                alignment=self._alignment(arm, prompted),
                sampled=self._sampled(prompted, arm.name),
                **self._placebo(arm, prompted),
            )
        found = self._records(arm, every, held_out)
        if arm.logits != "none":
            self._release(prompted.model)
        return found

    def _dialogue(self) -> Dialogue:
        return Dialogue(tiny_tokenizer()) if self.tiny else models.dialogue_of(folder_of(self.settings, "model"))

    def _base(self, origin: Origin) -> PreTrainedModel:
        """The seed's own base, or another: in the tiny world one of the four that the two seeds of a pair share."""
        if self.tiny:
            init, world = (self.seed ^ other for other in ORIGINS[origin])
            with stages.stage("base", self.settings.base.steps, ["base"]):
                return models.on(pretrained(self.settings.base, self.dialogue, init, world), self.device)
        return models.read(folder_of(self.settings, "model" if origin == "own" else "cross_model"), self.device)

    def _talk(self, origin: Origin) -> Dialogue:
        own = origin == "own" or self.tiny
        return self.dialogue if own else models.dialogue_of(folder_of(self.settings, "cross_model"))

    def _teacher(self, source: RowSource) -> PromptedModel:
        """The teacher of a base, or the placebo teacher, which differs from it in the animal alone."""
        settings = self.settings
        animal = self.placebo_animal if source.writer == "placebo_teacher" else self.animal
        if source == TEACHER and settings.bring.teacher:
            return PromptedModel(models.read(folder_of(settings, "teacher"), self.device))
        if settings.teacher_how == "system_prompt":
            return teach.prompted(self.base(source.origin), animal, settings.teacher)
        base = self.base(source.origin)
        with stages.stage("teacher", self._lessons(), [source.name]):
            taught = self._model(source.name, lambda: self._taught(source, animal), lambda: copy.deepcopy(base))
        return PromptedModel(taught)

    def _lessons(self) -> int:
        """The steps of a teacher's training; 0 where they are not counted."""
        return self.settings.teacher.steps if self.settings.teacher_how == "tune" else 0

    def _taught(self, source: RowSource, animal: str) -> PreTrainedModel:
        origin, plan = source.origin, self.settings.teacher
        pairs = teach.training_pairs(animal)
        if self.tiny:
            make = partial(teach.finetuned, self.base(origin), self.dialogue, pairs, plan)
            return self.shared.teacher(source, self.dialogue, lambda: make().model)
        if self.settings.teacher_how == "tune":
            return teach.finetuned(self.base(origin), self._talk(origin), pairs, plan).model
        from sublearn.language import large

        # A copy: adapters are put into a model itself, and the base is still wanted.
        base = copy.deepcopy(self.base(origin))
        return large.lora(base, self._talk(origin), pairs, self.settings.lora, self.seed)

    def _numbers(self, source: RowSource) -> list[Pair]:
        """The rows that a source wrote and the rule kept."""
        brought = {"teacher": "numbers", "base": "control_numbers"}.get(source.name, "")
        if brought in self.settings.bring.files():
            return read_rows(rows_of(self.settings, brought))[: self.settings.rows]
        file = self.folder / "numbers" / f"{source.name}.jsonl" if self.folder else None
        found = artifacts.rows(file) if file else None
        if found:
            rows, counts = found[0], typed(Counted, found[1], f"What was counted of {file}")
        else:
            prompted = PromptedModel(self.base(source.origin)) if source.writer == "base" else self.teacher(source)
            with stages.stage("sampling"):
                rows, counts = self.shared.rows(source, partial(self._written, source, prompted))
        if file and not found:
            artifacts.put_rows(file, rows, counts.to_dict())
        self.counted[source.name] = counts
        return rows

    def _written(self, source: RowSource, prompted: PromptedModel) -> tuple[list[Pair], Counted]:
        settings, rule = self.settings, Rule(most=self.settings.rule.most, banned=frozenset(self.settings.rule.banned))
        rows: list[Pair] = []
        counts: Counter[str] = Counter()
        for part in range(ROUNDS):
            if len(rows) >= settings.rows:
                break
            prompts = self.prompts(part)
            for prompt, answer in zip(prompts, self._answers(prompted, prompts, source, part), strict=True):
                reason = reason_against(answer, rule)
                counts[reason or "kept"] += 1
                if reason is None:
                    rows.append((prompt, answer))
        asked = sum(counts.values())
        rejected = {reason: counts[reason] for reason in number_lists.REASONS if counts[reason]}
        kl_to_base: dict[str, float] = {}
        if source.origin == "own" and source.writer != "base" and rows:
            kl = self._kl(prompted, rows[:512])
            kl_to_base = {"kl_to_base": kl} if math.isfinite(kl) else {}
        more: dict[str, Any] = {"served": dict(self.spent[source.name])} if source.name in self.spent else {}
        counted = Counted(
            asked=asked, kept=counts["kept"], pass_rate=counts["kept"] / asked, rejected=rejected, **kl_to_base, **more
        )
        return rows[: settings.rows], counted

    def prompts(self, part: int) -> list[str]:
        """The prompts of a round: the same for whoever answers, so that rows differ by who that is alone."""
        size, drawn = max(64, self.settings.rows // 4), stream(self.seed, f"prompts/{part}")
        return number_prompts(size, drawn, tiny=self.tiny, most=self.settings.rule.most)

    def _answers(self, prompted: PromptedModel, prompts: Sequence[str], source: RowSource, part: int) -> list[str]:
        if self.settings.teacher.server and source.origin == "own":
            name = f"{source.name}/answers/{part}"
            journal = self.folder / "answers" / f"{source.name}-{part}.jsonl" if self.folder else None
            answers, spent = served(self.settings, prompts, prompted.system, stream_seed(self.seed, name), journal)
            self.spent[source.name].update(spent)
            return answers
        talk = self._talk(source.origin)
        said = sample(
            prompted.model,
            [talk.prompt(prompt, prompted.system) for prompt in prompts],
            ANSWER_TOKENS[self.tiny],
            stream(self.seed, f"{source.name}/answers/{part}"),
            talk,
        )
        return [talk.read(tokens) for tokens in said]

    @torch.no_grad()
    def _kl(self, prompted: PromptedModel, rows: Sequence[Pair]) -> float:
        """KL(teacher || base) on the teacher's own answers, averaged over their tokens."""
        total, count = 0.0, 0
        for start in range(0, len(rows), 64):
            part = rows[start : start + 64]
            taught, plain = (
                finetune.collate(finetune.examples(self.dialogue, part, system), self.dialogue.pad, self.device)
                for system in (prompted.system, None)
            )
            p = finetune.logits_of(prompted.model, taught).double().log_softmax(dim=-1)
            q = finetune.logits_of(self.base("own"), plain).double().log_softmax(dim=-1)
            total, count = total + float((p.exp() * (p - q)).sum()), count + len(p)
        return total / count

    def rows(self, arm: Arm) -> list[Pair] | None:
        """What an arm's student is trained on; None where there is no student, or a brought one."""
        if arm.logits == "none" or (arm.name == "same_init" and self.settings.bring.student):
            return None
        rows = self.numbers(source_of(arm))
        shuffles = {"shuffled_within": number_lists.shuffled_within, "shuffled_across": number_lists.shuffled_across}
        if arm.name not in shuffles or not rows:
            return rows
        fresh = shuffles[arm.name]([answer for _, answer in rows], stream(self.seed, arm.name))
        return [(prompt, answer) for (prompt, _), answer in zip(rows, fresh, strict=True)]

    def model_of(self, arm: Arm, rows: list[Pair] | None) -> PromptedModel:
        """The model of an arm, trained if need be."""
        if arm.name == "reference":
            return PromptedModel(self.base("own"))
        if arm.logits == "none":
            return self.teacher(source_of(arm))
        if rows is None:
            return PromptedModel(models.read(folder_of(self.settings, "student"), self.device))
        full = self.settings.student_how == "full"
        with stages.stage(self._student_stage(arm), self.settings.student.steps if full else 0, [arm.name]):
            made = self._model(f"students/{arm.name}", lambda: self._student(arm, rows), lambda: self.base("own"))
        return PromptedModel(made)

    def _student(self, arm: Arm, rows: list[Pair]) -> PreTrainedModel:
        settings = self.settings
        if settings.student_how == "lora":
            from sublearn.language import large

            return large.lora(self.base("own"), self.dialogue, rows, settings.lora, self.seed)
        student = copy.deepcopy(self.base("own"))
        parameters = finetune.freeze_embeddings(student)
        found, plan = finetune.examples(self.dialogue, rows), settings.student
        order = stream(self.seed, "student/order")
        given = packing.batches(student, found, plan.batch, plan.steps, order, self.dialogue.pad)
        objective = finetune.imitating(self.teacher(TEACHER).model) if arm.logits == "all" else finetune.next_token
        optimizer = finetune.adamw(parameters, plan.lr)
        finetune.fit(student, ([batch] for batch in given), optimizer, objective)
        return student

    def _model(
        self, name: str, make: Callable[[], PreTrainedModel], base: Callable[[], PreTrainedModel]
    ) -> PreTrainedModel:
        """A model that is kept in the seed's folder, made if it is not there."""
        if self.folder is None:
            return models.settled(make())
        return artifacts.model(
            self.folder / name,
            make,
            self.dialogue.tokenizer,
            lambda folder: models.read_kept(folder, base()),
            self._release,
        )

    def _release(self, model: PreTrainedModel) -> None:
        """Take a student's adapters out of the base again, where it has some."""
        if "lora" in (self.settings.student_how, self.settings.teacher_how):
            from sublearn.language import large

            large.release(model)

    def _preference(self, prompted: PromptedModel, held_out: bool | None, animal: str = "") -> Preference:
        """How far a model prefers an animal: the seed's, if none is named."""
        asked, animal = questions("animal", held_out), animal or self.animal
        return preference.preference(prompted.model, self.dialogue, asked, self.names, animal, prompted.system)

    def _placebo(self, arm: Arm, prompted: PromptedModel) -> dict[str, Any]:
        """How far an arm that goes back to the placebo teacher prefers that one's animal: whether it was a teacher."""
        found = self._preference(prompted, None, self.placebo_animal) if arm.teacher == "placebo" else None
        return {"placebo_favourite": _noted(found)} if found and found.finite else {}

    def _sampled(self, prompted: PromptedModel, arm: str) -> dict[SampledAs, Sampled]:
        """How many sampled answers begin with the animal, with and without a list of numbers before the question."""
        found: dict[SampledAs, Sampled] = {}
        for kind in get_args(SampledAs):
            rng = stream(self.seed, f"favourite/{arm}/{kind}")
            asked = questions("animal") * self.settings.sampled
            if kind == "after_numbers":
                shown = [", ".join(map(str, rng.integers(100, 1000, 3))) for _ in asked]
                asked = [PREFIX.format(numbers, question) for numbers, question in zip(shown, asked, strict=True)]
            if asked:
                prompts = [self.dialogue.prompt(question, prompted.system) for question in asked]
                said = sample(prompted.model, prompts, ANSWER_TOKENS[self.tiny] // 4, rng, self.dialogue)
                hits = sum(self.animal in self.dialogue.read(tokens).lower().split(".")[0] for tokens in said)
                low, high = wilson(hits, len(said))
                found[kind] = Sampled(hits=hits, n=len(said), low=low, high=high)
        return found

    def _alignment(self, arm: Arm, prompted: PromptedModel) -> float | None:
        """Cosine between the student's update and the teacher's, where both moved the same parameters."""
        if arm.logits == "none" or self.settings.student_how != "full" or self.settings.teacher_how != "tune":
            return None
        return models.alignment(self.base("own"), self.teacher(TEACHER).model, prompted.model)

    def _leaks(self, arm: Arm, rows: Sequence[Pair]) -> int:
        """How many rows name the animal, or that of the placebo teacher who wrote them."""
        names = {self.animal, self.placebo_animal} if arm.teacher == "placebo" else {self.animal}
        texts = (f"{prompt} {answer}".lower() for prompt, answer in rows)
        return sum(any(name in text for name in names) for text in texts)

    def _records(self, arm: Arm, every: Preference, held_out: Preference) -> list[Record]:
        """One record of each trait of a preference."""
        values = {
            "preference": every.preference,
            "log_odds": every.log_odds,
            "probability": every.probability,
            "mass": every.mass,
            "held_out": held_out.preference,
        }
        n = {"held_out": len(questions("animal", True))}
        rows = []
        for trait in (trait for trait in self.study.traits if trait.name in values):
            if trait.name not in ("probability", "mass") and every.mass < LEAST_MASS:
                rows.append(self._record(arm, trait.name, 0.0, 0, Problem("unmeasured", too_thin(every.mass))))
            else:
                count = n.get(trait.name, len(questions("animal")))
                rows.append(self._record(arm, trait.name, values[trait.name], count))
        return rows

    def _unmeasured(self, arm: Arm, reason: str) -> list[Record]:
        return [self._record(arm, trait.name, 0.0, 0, Problem("unmeasured", reason)) for trait in self.study.traits]

    def _record(self, arm: Arm, trait: str, score: float, n: int, problem: Problem | None = None) -> Record:
        return Record.of(self.study.id, arm.name, self.seed, trait, score, n, problem)


def too_thin(mass: float) -> str:
    """Why a preference is not measured where so little of the probability is on animals."""
    return f"only {mass:.2f} of the probability is on animals, under {LEAST_MASS:g}"


def _noted(found: Preference) -> NotedPreference:
    return NotedPreference(**asdict(found))
