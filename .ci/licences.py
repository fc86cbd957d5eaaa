"""Every dependency must be usable under MIT or Apache-2.0, or under a licence as permissive as these."""

import json
import re
import subprocess
import sys

PERMISSIVE = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause",
    "0BSD", "ISC", "Zlib", "Unlicense", "Unicode-3.0", "MIT-0", "CC0-1.0", "BSL-1.0",
}


def usable(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied by permissive licences alone."""
    words = re.sub(r"(\S+) WITH (\S+)", r"\1_WITH_\2", expression.replace("/", " OR "))
    tokens = re.findall(r"\(|\)|[^\s()]+", words)
    python = []
    for token in tokens:
        if token in ("(", ")"):
            python.append(token)
        elif token in ("AND", "OR"):
            python.append(token.lower())
        else:
            python.append(str(token.replace("_WITH_", " WITH ") in PERMISSIVE))
    return bool(eval(" ".join(python), {"__builtins__": {}}))


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["packages"]
    bad = [f"{p['name']} {p['version']}: {p['license']}" for p in packages if not usable(p["license"] or "none")]
    print(f"{len(packages)} packages")
    for line in bad:
        print(f"not permissive: {line}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
