from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def read_source(case, path):
    """A file of the repository; the test is skipped where only the addon is installed."""
    file = ROOT / path
    if not file.is_file():
        case.skipTest(f"{path} is not beside the addon")
    return file.read_text(encoding="utf-8")
