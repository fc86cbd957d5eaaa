"""Every mutant of the engine in one build: what `cargo mutants` asks in most of a day, in the time of a few builds.

    python3 .ci/mutants.py [--only REGEX] [--names FILE] [--alone] [--jobs N] [--scratch DIR] [--survivors FILE]

`cargo mutants --config docs/mutants.toml --list --json` says where each mutant begins and ends, and what stands there
instead. In a copy of the tree every mutated function becomes a `match` over a number that is read once from the
environment, with an arm for each mutant, a copy of the body with that one change; the last arm is the function as it
was. `const_eval_select`, hence RUSTC_BOOTSTRAP=1, lets a `const fn` read the number too, when it is not the compiler
who asks. Mutants that do not compile are told by the spans of rustc's errors and left out, until the rest builds.

Then the tests that may notice a change of the engine are run once per mutant, quick and telling ones first, up to the
first that fails. A run past its limit of processor time, or of memory, counts as caught.

Not in the one build: functions that return `impl Trait`, whose arms would be of different types, and what is no
function. And what the compiler evaluates is always the original: mutants of a `const fn` that survive are doubtful.
`--alone` builds and asks each of these by itself.

--only REGEX      mutants whose names match, as `congestion/timing`
--names FILE      mutants named in FILE, a line each, as the file of survivors; positions may have moved
--alone           ask also those that have to be built alone
--jobs N          mutants asked at a time: 2
--scratch DIR     where the copies live, which later runs build upon: target/mutants
--survivors FILE  where the names of those that survive are written: target/mutants/survivors.txt

Beside that, progress.txt and outcomes.txt say what became of each, while they are asked and at the end.

Needs cargo-mutants, and nothing besides Python 3.11. The exit status is 1 where a mutant survives.
"""

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = "docs/mutants.toml"
VARIABLE = "SYNFIN_MUTANT"

SWITCH = f"""
#![feature(core_intrinsics, const_eval_select)]
#![allow(internal_features)]
#[doc(hidden)]
#[allow(missing_docs, clippy::all)]
pub mod mutant_switch {{
    static CHOSEN: std::sync::LazyLock<u32> =
        std::sync::LazyLock::new(|| std::env::var("{VARIABLE}").map_or(0, |text| text.parse().unwrap()));
    const fn never() -> u32 {{ 0 }}
    fn read() -> u32 {{ *CHOSEN }}
    #[inline]
    pub const fn chosen() -> u32 {{ std::intrinsics::const_eval_select((), never, read) }}
}}
"""

# The tests, in the order in which they are asked: a name, the test binary ("lib" or the test's), its arguments.
STAGES = [
    ("units", "lib", ["engine::", "--skip", "engine::tests::laws"]),
    ("grid", "grid", []),
    ("transitions", "transitions", []),
    ("scripts", "scripts", ["simulated_hosts_do_as_the_scripts_say"]),
    ("rows", "rows", []),
    ("scenarios", "scenarios", []),
    ("hosts", "hosts", []),
    ("laws", "lib", ["engine::tests::laws"]),
    ("laws of hosts", "laws", []),
]
FAIL_FAST = ["-Z", "unstable-options", "--fail-fast", "--test-threads=1", "-q"]

# A run may take so much more of the processor's time than that of the original, and no less than so many seconds.
TIMES_THE_ORIGINAL, LEAST_LIMIT = 8, 8
MOST_MEMORY = 4 << 30


@dataclass
class Mutant:
    name: str
    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    replacement: str
    function: tuple[tuple[int, int], tuple[int, int]] | None
    number: int = 0
    constant: bool = False
    outcome: str = ""  # caught, time, unbuilt, alone, survived

    @property
    def what(self) -> str:
        """Its name without the position, which later edits move."""
        return re.sub(r":\d+:\d+: ", ": ", self.name, count=1)


@dataclass
class Function:
    """A function of a file, as offsets into its text."""

    start: int
    end: int
    body: tuple[int, int]
    constant: bool
    opaque: bool
    mutants: list[Mutant] = field(default_factory=list)
    inner: list["Function"] = field(default_factory=list)


TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|b?r(?P<h>\#*)".*?"(?P=h)|[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'|'\w+)
    |(?P<mark>[{}()\[\]])|->|\w+""",
    re.DOTALL | re.VERBOSE,
)


def listed(root: Path) -> list[Mutant]:
    command = ["cargo", "mutants", "--config", CONFIG, "--list", "--json"]
    output = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    def point(at):
        return at["line"], at["column"]

    mutants = []
    for entry in json.loads(output):
        span, function = entry["span"], entry["function"]
        around = (point(function["span"]["start"]), point(function["span"]["end"])) if function else None
        mutants.append(Mutant(entry["name"], entry["file"], point(span["start"]), point(span["end"]), entry["replacement"], around))
    return mutants


def chosen(mutants: list[Mutant], only: str | None, names: Path | None) -> list[Mutant]:
    if only:
        mutants = [mutant for mutant in mutants if re.search(only, mutant.name)]
    if names:
        wanted = {line.strip() for line in names.read_text().splitlines() if line.strip()}
        exact = [mutant for mutant in mutants if mutant.name in wanted]
        moved = {re.sub(r":\d+:\d+: ", ": ", name, count=1) for name in wanted - {mutant.name for mutant in exact}}
        mutants = [mutant for mutant in mutants if mutant.name in wanted or mutant.what in moved]
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    return mutants


class Source:
    """A file, the functions in it that have mutants, and the text with all of them."""

    def __init__(self, text: str, mutants: list[Mutant]):
        self.text = text
        self.lines = [0]
        for line in text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        functions: dict[tuple, Function] = {}
        for mutant in mutants:
            if mutant.function is None:
                mutant.outcome = "alone"
                continue
            if mutant.function not in functions:
                functions[mutant.function] = self.function(*mutant.function)
            function = functions[mutant.function]
            mutant.constant = function.constant
            if function.opaque:
                mutant.outcome = "alone"
            else:
                function.mutants.append(mutant)
        self.outer: list[Function] = []
        for function in sorted(functions.values(), key=lambda function: (function.start, -function.end)):
            around, level = None, self.outer
            while level and level[-1].end >= function.end:
                around, level = level[-1], level[-1].inner
            level.append(function)

    def offset(self, point: tuple[int, int]) -> int:
        return self.lines[point[0] - 1] + point[1] - 1

    def function(self, first: tuple[int, int], last: tuple[int, int]) -> Function:
        """Its body is what is between the braces that its last character closes."""
        start, end = self.offset(first), self.offset(last)
        open_at, words, result = [], [], False
        opaque = False
        for token in TOKEN.finditer(self.text, start, end):
            mark = token["mark"]
            if token["skip"] is not None:
                continue
            if mark is None:
                word = token[0]
                result = result or (word == "->" and not open_at)
                opaque = opaque or (word == "impl" and result and not open_at)
                words += [word] if not open_at else []
            elif mark in "{([":
                open_at.append(token.start())
            else:
                opened = open_at.pop()
                if token.end() == end and mark == "}":
                    constant = "const" in words[: words.index("fn")]
                    return Function(start, end, (opened + 1, token.start()), constant, opaque)
                if mark == "}" and not open_at:
                    break
        raise SystemExit(f"no body found in:\n{self.text[start:end]}")

    def changed(self, mutant: Mutant, start: int = 0, end: int | None = None) -> str:
        """The text from `start` to `end` with this one change."""
        return self.text[start : self.offset(mutant.start)] + mutant.replacement + self.text[self.offset(mutant.end) : end]

    def mutated(self) -> str:
        return self.emit(0, len(self.text), self.outer)

    def emit(self, start: int, end: int, functions: list[Function]) -> str:
        pieces = []
        for function in functions:
            body, after = function.body
            pieces.append(self.text[start:body])
            original = self.emit(body, after, function.inner)
            arms = [mutant for mutant in function.mutants if not mutant.outcome]
            if arms:
                pieces.append(" match crate::mutant_switch::chosen() {\n")
                for mutant in arms:
                    number, text = mutant.number, self.changed(mutant, body, after)
                    pieces.append(f"{number} => {{ /*<{number}>*/ {text}\n/*</{number}>*/ }}\n")
                pieces.append(f"_ => {{ {original}\n}} }}\n")
            else:
                pieces.append(original)
            start = after
        pieces.append(self.text[start:end])
        return "".join(pieces)


class Tree:
    """A copy of what git knows of the tree, as it is now, where cargo builds."""

    def __init__(self, root: Path, folder: Path):
        self.root, self.folder = root, folder
        self.tests = [name for name in dict.fromkeys(binary for _, binary, _ in STAGES) if name != "lib"]
        for name in self.git("ls-files", "-z").split("\0"):
            if name and (root / name).is_file():
                self.write(name, (root / name).read_bytes())
        self.environment = os.environ | self.settings() | {
            "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "--cap-lints allow", "CARGO_PROFILE_DEV_OPT_LEVEL": "1",
            "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_TARGET_DIR": str(folder / "target"), "INSTA_UPDATE": "no",
            "RUST_BACKTRACE": "0",
        }

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True).stdout

    def settings(self) -> dict[str, str]:
        """What cargo would have told the tests."""
        config = self.root / ".cargo/config.toml"
        return tomllib.loads(config.read_text()).get("env", {}) if config.is_file() else {}

    def write(self, name: str, content: bytes) -> None:
        """Only what differs, so that cargo sees what changed."""
        path = self.folder / name
        if not (path.is_file() and path.read_bytes() == content):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def cargo(self, *arguments: str) -> tuple[bool, list[dict]]:
        command = ["cargo", *arguments, "--locked", "--message-format", "json"]
        run = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        return run.returncode == 0, messages + [{"reason": "stderr", "text": run.stderr}]

    def binaries(self) -> dict[str, str] | None:
        """The test binaries by their names; nothing where they do not build."""
        tests = [argument for test in self.tests for argument in ("--test", test)]
        built, messages = self.cargo("test", "--no-run", "--lib", *tests)
        if not built:
            return None
        made = [message for message in messages if message["reason"] == "compiler-artifact" and message.get("executable")]
        return {
            "lib" if "lib" in message["target"]["kind"] else message["target"]["name"]: message["executable"]
            for message in made if message["profile"]["test"]
        }


def error_places(messages: list[dict]):
    """File and offset in octets of all that the compiler's errors point at; the main places first."""
    places = []
    for message in messages:
        if message["reason"] != "compiler-message" or message["message"]["level"] != "error":
            continue
        for span in message["message"]["spans"]:
            place = span
            while place:
                places.append((not span["is_primary"], place["file_name"], place["byte_start"]))
                place = (place.get("expansion") or {}).get("span")
    return sorted(places)


def build_all(tree: Tree, sources: dict[str, Source], mutants: list[Mutant]) -> dict[str, str]:
    """Builds all mutants into one; those that do not compile are marked so."""
    lib = (tree.root / "src/lib.rs").read_text()
    attributes, module = SWITCH.strip().split("#[doc(hidden)]", 1)
    docs = re.match(r"(?://![^\n]*\n)*", lib).end()
    tree.write("src/lib.rs", (lib[:docs] + attributes + lib[docs:] + "\n#[doc(hidden)]" + module).encode())
    by_number = {mutant.number: mutant for mutant in mutants}
    while True:
        arms = {}
        for file, source in sources.items():
            text = source.mutated().encode()
            tree.write(file, text)
            starts = {int(mark[1]): mark.end() for mark in re.finditer(rb"/\*<(\d+)>\*/", text)}
            ends = {int(mark[1]): mark.start() for mark in re.finditer(rb"/\*</(\d+)>\*/", text)}
            arms[file] = [(starts[number], ends[number], number) for number in starts]
        built, messages = tree.cargo("check", "--lib", "--profile", "dev")
        if built:
            binaries = tree.binaries()
            if binaries is None:
                raise SystemExit("the library builds, its tests do not")
            return binaries
        bad: set[int] = set()
        for secondary, file, at in error_places(messages):
            if not (secondary and bad):
                bad |= {number for start, end, number in arms.get(file, []) if start <= at <= end}
        if not bad:
            errors = [message["message"]["rendered"] for message in messages if message["reason"] == "compiler-message"]
            raise SystemExit("\n".join(errors[:5]) + messages[-1]["text"] + "\nno mutant is to blame for these errors")
        say(f"{len(bad)} do not compile")
        for number in bad:
            by_number[number].outcome = "unbuilt"


class Judge:
    """Runs the stages on a build."""

    def __init__(self, tree: Tree, binaries: dict[str, str], limits: dict[str, int] | None = None):
        self.tree, self.binaries = tree, binaries
        self.limits = limits or {}

    def run(self, stage: tuple[str, str, list[str]], number: int) -> tuple[str, float]:
        """What came of a stage, "passed", "failed" or "time", and the processor's seconds that it took."""
        name, binary, arguments = stage
        limit = self.limits.get(name, 600)

        def restrict():
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        process = subprocess.Popen(
            [self.binaries[binary], *arguments, *FAIL_FAST], cwd=self.tree.folder, env=self.tree.environment | {VARIABLE: str(number)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=restrict, start_new_session=True,
        )
        give_up = time.monotonic() + 30 * limit
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > give_up:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        took = usage.ru_utime + usage.ru_stime
        return ("passed" if code == 0 else "time" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "failed"), took

    def original(self) -> None:
        """The original passes all, and says how long that takes."""
        for stage in STAGES:
            result, took = self.run(stage, 0)
            if result != "passed":
                raise SystemExit(f"the original does not pass {stage[0]}: {result}")
            self.limits[stage[0]] = max(LEAST_LIMIT, round(took * TIMES_THE_ORIGINAL))
            say(f"{stage[0]}: {took:.2f} s, at most {self.limits[stage[0]]} s")

    def ask(self, number: int) -> str:
        for stage in STAGES:
            result, _ = self.run(stage, number)
            if result != "passed":
                return "time" if result == "time" else f"caught by {stage[0]}"
        return "survived"


def ask_alone(tree: Tree, sources: dict[str, Source], mutants: list[Mutant], limits: dict[str, int]) -> None:
    """Builds and asks each by itself."""
    for count, mutant in enumerate(mutants, 1):
        source = sources[mutant.file]
        tree.write(mutant.file, source.changed(mutant).encode())
        binaries = tree.binaries()
        mutant.outcome = Judge(tree, binaries, limits).ask(0) if binaries else "unbuilt"
        tree.write(mutant.file, source.text.encode())
        say(f"alone {count} of {len(mutants)}: {mutant.outcome}: {mutant.name}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(mutants: list[Mutant]) -> str:
    files: dict[str, Counter] = defaultdict(Counter)
    for mutant in mutants:
        name = mutant.file.removeprefix("src/engine/").removesuffix(".rs")
        outcome = mutant.outcome.split(" ")[0]
        for row in (name, "all"):
            files[row].update([outcome, "mutants"])
    columns = ["mutants", "caught", "time", "unbuilt", "alone", "survived"]
    lines = ["| file | mutants | caught | by time | do not compile | not asked | survived |", "|---|---|---|---|---|---|---|"]
    for name, counts in sorted(files.items(), key=lambda row: (row[0] == "all", row[0])):
        shown = name if name == "all" else f"`{name}`"
        lines.append(f"| {shown} | " + " | ".join(str(counts[column]) for column in columns) + " |")
    return "\n".join(lines)


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only")
    parser.add_argument("--names", type=Path)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--scratch", type=Path, default=root / "target/mutants")
    parser.add_argument("--survivors", type=Path)
    given = parser.parse_args()
    scratch = given.scratch.resolve()

    mutants = chosen(listed(root), given.only, given.names)
    say(f"{len(mutants)} mutants")
    by_file: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    sources = {file: Source((root / file).read_text(), found) for file, found in by_file.items()}

    tree = Tree(root, scratch / "all")
    judge = Judge(tree, build_all(tree, sources, mutants))
    judge.original()
    built = [mutant for mutant in mutants if not mutant.outcome]
    began = time.monotonic()
    with ThreadPoolExecutor(given.jobs) as pool, (scratch / "progress.txt").open("w") as progress:
        for count, (mutant, outcome) in enumerate(zip(built, pool.map(judge.ask, [mutant.number for mutant in built])), 1):
            mutant.outcome = outcome
            print(f"{mutant.outcome}: {mutant.name}", file=progress, flush=True)
            if count % 100 == 0:
                say(f"{count} of {len(built)} after {time.monotonic() - began:.0f} s")
    if given.alone:
        alone = [mutant for mutant in mutants if mutant.outcome == "alone" or (mutant.outcome == "survived" and mutant.constant)]
        ask_alone(Tree(root, scratch / "one"), sources, alone, judge.limits)

    survivors = [mutant for mutant in mutants if mutant.outcome == "survived"]
    (given.survivors or scratch / "survivors.txt").write_text("".join(f"{mutant.name}\n" for mutant in survivors))
    (scratch / "outcomes.txt").write_text("".join(f"{mutant.outcome}: {mutant.name}\n" for mutant in mutants))
    print(table(mutants))
    if not given.alone:
        for mutant in mutants:
            if mutant.outcome == "alone":
                print(f"not asked: {mutant.name}")
    for mutant in survivors:
        print(f"survived{' (const fn)' if mutant.constant and not given.alone else ''}: {mutant.name}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
