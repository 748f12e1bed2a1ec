"""Compile the explorer's engine to WebAssembly: ``make engine`` runs this file, and a test holds its bytes to it.

The compiler is Clang as the package ziglang ships it, the same bytes on every machine; ``constraints.txt`` pins it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nca_assets.explorer.page import ENGINE, FOLDER

COMMAND = (
    sys.executable, "-m", "ziglang", "cc", "engine.c", "-target", "wasm32-freestanding", "-std=c11", "-O2", "-msimd128",
    "-mbulk-memory", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all", "-o",
)  # fmt: skip


def compile_engine(out: Path) -> None:
    """Write the compiled engine to ``out``; the compiler's messages go to the terminal."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        subprocess.run([*COMMAND, str(out)], cwd=FOLDER / "engine", env=environment, check=True)
    out.chmod(0o644)


if __name__ == "__main__":
    compile_engine(ENGINE)
    print(f"{ENGINE}: {ENGINE.stat().st_size:,} bytes")
